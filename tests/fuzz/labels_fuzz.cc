// Any text as a table and as a file of labels: one clear Error, or rows that can be written down
// and read again, and labels that lie in the file's own list.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "fovea/data/label_file.h"
#include "fovea/io/csv.h"
#include "fovea/io/error.h"

namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows rows_of(const std::string& text) {
  Rows rows;
  fovea::parse_csv(text, "a.csv",
                   [&](const std::vector<std::string>& fields, size_t) { rows.push_back(fields); });
  return rows;
}

void read_table(const std::string& text) {
  const Rows rows = rows_of(text);
  std::string written = "\"\"\n";  // so that nothing in the rows is taken for a byte order mark
  for (const auto& row : rows) written += fovea::csv_row(row);
  if (rows_of(written) != rows) std::abort();
}

void read_labels(const std::string& text) {
  const fovea::LabelFile file = fovea::parse_label_file(text, "a.csv");
  for (const fovea::LabelFile::Line& line : file.lines) {
    if (line.labels.empty()) std::abort();
    for (const int label : line.labels) {
      if (label < 0 || label >= static_cast<int>(file.labels.size())) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const auto read : {read_table, read_labels}) {
    try {
      read(text);
    } catch (const fovea::Error&) {
      // The only exception that may come out.
    }
  }
  return 0;
}
