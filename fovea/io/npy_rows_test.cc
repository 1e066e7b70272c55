// Rows that wait in a temporary file.
#include "fovea/io/npy_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <vector>

#include "fovea/io/npy.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

NpyRows three_rows() {
  NpyRows rows({2});
  for (const float x : {1.0F, 3.0F, 5.0F}) rows.append(std::vector<float>{x, x + 1});
  return rows;
}

TEST(NpyRows, ComeBackInOrder) {
  std::vector<float> seen;
  three_rows().read(
      [&](std::span<const float> row) { seen.insert(seen.end(), row.begin(), row.end()); });
  EXPECT_EQ(seen, (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(NpyRows, AreWrittenInTheOrderThatIsAskedFor) {
  const TemporaryFolder folder;
  const NpyRows rows = three_rows();
  EXPECT_EQ(rows.count(), 3U);
  Replacement file = rows.write(folder / "rows.npy", std::vector<size_t>{2, 0, 1});
  EXPECT_EQ(folder.count(), 0U) << "not before it takes its place";
  file.take_place();
  const Array array = read_npy(folder / "rows.npy");
  EXPECT_EQ(array.shape, (Shape{3, 2}));
  EXPECT_EQ(array.data, (std::vector<float>{5, 6, 1, 2, 3, 4}));
}

TEST(NpyRows, RefusesARowOfAnotherLength) {
  NpyRows rows({2});
  EXPECT_EQ(error_of([&] { rows.append(std::vector<float>{1}); }),
            "a row of 1 values; expected [2]");
}

TEST(NpyRows, WaitWhereTmpdirSays) {
  const TemporaryFolder folder;
  const char* const set = ::getenv("TMPDIR");
  const std::string before = set == nullptr ? "" : set;
  ::setenv("TMPDIR", (folder / "none").c_str(), 1);
  EXPECT_THAT(error_of([] { NpyRows({2}); }), HasSubstr((folder / "none").string()));
  ::setenv("TMPDIR", folder.path().c_str(), 1);
  NpyRows rows({2});
  rows.append(std::vector<float>{1, 2});
  EXPECT_EQ(folder.count(), 0U) << "it has no name";
  if (set == nullptr) {
    ::unsetenv("TMPDIR");
  } else {
    ::setenv("TMPDIR", before.c_str(), 1);
  }
}

}  // namespace
}  // namespace fovea
