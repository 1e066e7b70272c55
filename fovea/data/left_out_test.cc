#include "fovea/data/left_out.h"

#include <gtest/gtest.h>

namespace fovea {
namespace {

TEST(LeftOut, KnowsWhatIsHidden) {
  for (const char* name : {".hidden.jpg", "._a.jpg", ".ipynb_checkpoints", "__MACOSX", "@eaDir"}) {
    EXPECT_TRUE(is_hidden(name)) << name;
  }
  for (const char* name : {"a.jpg", "_a.jpg", "MACOSX", "eaDir", ""}) {
    EXPECT_FALSE(is_hidden(name)) << name;
  }
}

TEST(LeftOut, IsToldByKindTheMostFrequentFirst) {
  LeftOut left_out;
  EXPECT_EQ(to_string(left_out), "");
  left_out.add_file("a.txt");
  EXPECT_EQ(to_string(left_out), "1 file of other kinds: 1 .txt");
  for (const char* name : {"b.bmp", "c.BMP", "README"}) left_out.add_file(name);
  EXPECT_EQ(to_string(left_out), "4 files of other kinds: 2 .bmp, 1 without an ending, 1 .txt");
  LeftOut more;
  more.hidden = 2;
  EXPECT_EQ(to_string(more), "2 hidden");
  more.add(left_out);
  EXPECT_EQ(to_string(more),
            "4 files of other kinds: 2 .bmp, 1 without an ending, 1 .txt; 2 hidden");
}

}  // namespace
}  // namespace fovea
