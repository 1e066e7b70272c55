// Rows that wait in a temporary file.
#include "fovea/io/row_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <vector>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

RowFile three_rows() {
  RowFile rows({2});
  for (const float x : {1.0F, 3.0F, 5.0F}) rows.append(std::vector<float>{x, x + 1});
  return rows;
}

TEST(RowFile, GivesRowsBackInAnyOrder) {
  const RowFile rows = three_rows();
  EXPECT_EQ(rows.count(), 3U);
  EXPECT_EQ(rows.row_shape(), (Shape{2}));
  std::vector<float> seen;
  const auto take = [&](std::span<const float> row) {
    seen.insert(seen.end(), row.begin(), row.end());
  };
  rows.read(take);
  EXPECT_EQ(seen, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  seen.clear();
  rows.read(std::vector<size_t>{2, 0}, take);
  EXPECT_EQ(seen, (std::vector<float>{5, 6, 1, 2}));
}

TEST(RowFile, RefusesARowOfAnotherLength) {
  RowFile rows({2});
  EXPECT_EQ(error_of([&] { rows.append(std::vector<float>{1}); }),
            "a row of 1 values; expected [2]");
}

TEST(RowFile, WaitsWhereTmpdirSays) {
  const TemporaryFolder folder;
  const char* const set = ::getenv("TMPDIR");
  const std::string before = set == nullptr ? "" : set;
  ::setenv("TMPDIR", (folder / "none").c_str(), 1);
  EXPECT_THAT(error_of([] { RowFile({2}); }), HasSubstr((folder / "none").string()));
  ::setenv("TMPDIR", folder.path().c_str(), 1);
  RowFile rows({2});
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
