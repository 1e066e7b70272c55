#include "fovea/data/label_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LabelFileTest : public testing::Test {
 protected:
  LabelFile read(const std::string& text) const {
    write_file(folder_ / "labels.csv", text);
    return read_label_file(folder_ / "labels.csv");
  }
  std::string error(const std::string& text) const {
    return error_of([&] { read(text); });
  }
  TemporaryFolder folder_;
};

TEST_F(LabelFileTest, HasALineForEachPicture) {
  const LabelFile file = read("path,label\r\nb/2.png,dog\r\n\"a, 1.png\",\"cat, tabby\"\r\n");
  EXPECT_THAT(file.labels, ElementsAre("cat, tabby", "dog"));
  ASSERT_EQ(file.lines.size(), 2U);
  EXPECT_EQ(file.lines[0].picture, "b/2.png");
  EXPECT_THAT(file.lines[0].labels, ElementsAre(1));
  EXPECT_EQ(file.lines[0].number, 2U);
  EXPECT_EQ(file.lines[1].picture, "a, 1.png");
  EXPECT_THAT(file.lines[1].labels, ElementsAre(0));
}

TEST_F(LabelFileTest, MayHaveSeveralLabelsForOne) {
  const LabelFile file = read("1.png,b|a|b\n2.png,c");
  EXPECT_THAT(file.labels, ElementsAre("a", "b", "c"));
  EXPECT_THAT(file.lines[0].labels, ElementsAre(0, 1));
  EXPECT_THAT(file.lines[1].labels, ElementsAre(2));
}

TEST_F(LabelFileTest, NamesTheLineThatIsNone) {
  EXPECT_THAT(error("1.png,a\n2.png\n"), HasSubstr("labels.csv: line 2 is no path,label"));
  EXPECT_THAT(error("1.png,a,b\n"), HasSubstr("line 1 is no path,label"));
  EXPECT_THAT(error("1.png,\n"), HasSubstr("line 1 is no path,label"));
  EXPECT_THAT(error("1.png,a\n\n1.png,b\n"), HasSubstr("line 3: 1.png has its labels in line 1"));
  EXPECT_THAT(error("path,label\n"), HasSubstr("labels.csv: no line path,label in it"));
  EXPECT_THAT(error_of([&] { read_label_file(folder_ / "none.csv"); }), HasSubstr("none.csv"));
}

}  // namespace
}  // namespace fovea
