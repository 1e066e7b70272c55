#include "fovea/io/csv.h"

#include <algorithm>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + '"';
}

// Reads fields one after the other.
class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& name) : text_(text), name_(name) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
  }

  bool at_end() const { return text_.empty(); }
  size_t line() const { return line_; }

  std::string field() { return text_.starts_with('"') ? quoted_field() : plain_field(); }

  // Whether the row goes on behind the field that was read; the end of its line is taken.
  bool goes_on() {
    if (accept(',')) return true;
    const bool returned = accept('\r');
    if (accept('\n') || returned) ++line_;
    return false;
  }

 private:
  bool accept(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::string plain_field() {
    const size_t end = std::min(text_.find_first_of(",\r\n"), text_.size());
    std::string field(text_.substr(0, end));
    text_.remove_prefix(end);
    return field;
  }

  std::string quoted_field() {
    const size_t first_line = line_;
    std::string field;
    do {
      text_.remove_prefix(1);
      const size_t end = text_.find('"');
      if (end == std::string_view::npos) {
        fail("{}: line {}: a quote that never ends; expected \" at the end of the field", name_,
             first_line);
      }
      line_ += static_cast<size_t>(std::count(text_.begin(), text_.begin() + end, '\n'));
      field += text_.substr(0, end);
      text_.remove_prefix(end + 1);
      if (text_.starts_with('"')) field += '"';
    } while (text_.starts_with('"'));
    if (!text_.empty() && text_.find_first_of(",\r\n") != 0) {
      fail("{}: line {}: more behind a field's closing quote; expected a comma or the line's end",
           name_, line_);
    }
    return field;
  }

  std::string_view text_;  // what is left of it
  const std::string& name_;
  size_t line_ = 1;
};

}  // namespace

std::string csv_row(const std::vector<std::string>& fields) {
  std::string row;
  for (const std::string& field : fields)
    row += (&field == &fields.front() ? "" : ",") + quoted(field);
  return row + '\n';
}

void parse_csv(std::string_view text, const std::string& name, const TakeCsvRow& take) {
  CsvReader reader(text, name);
  std::vector<std::string> fields;
  while (!reader.at_end()) {
    const size_t line = reader.line();
    fields.clear();
    do fields.push_back(reader.field());
    while (reader.goes_on());
    if (fields.size() > 1 || !fields.front().empty()) take(fields, line);
  }
}

}  // namespace fovea
