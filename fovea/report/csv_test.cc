#include "fovea/report/csv.h"

#include <gtest/gtest.h>

namespace fovea {
namespace {

TEST(CsvRow, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(csv_row({"a", "", "b c"}), "a,,b c\n");
  EXPECT_EQ(csv_row({"8,0,5", "say \"x\"", "two\nlines"}),
            "\"8,0,5\",\"say \"\"x\"\"\",\"two\nlines\"\n");
}

}  // namespace
}  // namespace fovea
