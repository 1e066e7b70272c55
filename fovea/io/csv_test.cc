#include "fovea/io/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows parsed(const std::string& text, std::vector<size_t>* lines = nullptr) {
  Rows rows;
  parse_csv(text, "a.csv", [&](const std::vector<std::string>& fields, size_t line) {
    rows.push_back(fields);
    if (lines != nullptr) lines->push_back(line);
  });
  return rows;
}

TEST(CsvRow, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(csv_row({"a", "", "b c"}), "a,,b c\n");
  EXPECT_EQ(csv_row({"8,0,5", "say \"x\"", "two\nlines"}),
            "\"8,0,5\",\"say \"\"x\"\"\",\"two\nlines\"\n");
}

TEST(ParseCsv, ReadsWhatIsWritten) {
  const Rows rows = {
      {"a", "", "b c"}, {"8,0,5", "say \"x\"", "two\r\nlines"}, {"\"", "\"\"", ""}, {" x ", "|"}};
  std::string text;
  for (const auto& row : rows) text += csv_row(row);
  EXPECT_EQ(parsed(text), rows);
}

TEST(ParseCsv, TakesAnyEndsOfLines) {
  const Rows rows = {{"a", "b"}, {"c", "d"}};
  for (const char* text : {"a,b\nc,d", "a,b\r\nc,d\r\n", "a,b\rc,d\r", "\n\na,b\n\r\nc,d\n\n",
                           "\xEF\xBB\xBF\"a\",b\nc,d\n"}) {
    EXPECT_EQ(parsed(text), rows) << text;
  }
  EXPECT_EQ(parsed(""), Rows());
  EXPECT_EQ(parsed(",\n"), (Rows{{"", ""}}));
}

TEST(ParseCsv, CountsLinesThroughQuotes) {
  std::vector<size_t> lines;
  parsed("a\n\"b\n\nb\"\n\nc\n", &lines);
  EXPECT_THAT(lines, testing::ElementsAre(1, 2, 6));
}

TEST(ParseCsv, NamesTheLineOfABadQuote) {
  EXPECT_EQ(error_of([] { parsed("a\n\"b\nc"); }),
            "a.csv: line 2: a quote that never ends; expected \" at the end of the field");
  EXPECT_EQ(error_of([] { parsed("a\n\"b\"c\n"); }),
            "a.csv: line 2: more behind a field's closing quote; expected a comma or the line's "
            "end");
}

}  // namespace
}  // namespace fovea
