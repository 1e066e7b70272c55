#include "fovea/io/row_file.h"

#include <cerrno>
#include <cstdlib>
#include <numeric>
#include <system_error>
#include <vector>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

TemporaryFile file_for_rows() {
  const char* folder = std::getenv("TMPDIR");
  if (folder == nullptr || *folder == '\0') folder = "/tmp";
  TemporaryFile file(folder);
  if (!file.descriptor().valid()) {
    fail("no temporary file for rows in {}: {}", folder, reason(errno));
  }
  return file;
}

}  // namespace

RowFile::RowFile(Shape row) : row_(std::move(row)), file_(file_for_rows()) {}

void RowFile::append(std::span<const float> row) {
  if (static_cast<int64_t>(row.size()) != elements(row_)) {
    fail("a row of {} values; expected {}", row.size(), to_string(row_));
  }
  if (const int error = write_all(file_.descriptor().get(), std::as_bytes(row))) {
    fail("the temporary file for rows can't be written: {}", reason(error));
  }
  ++count_;
}

void RowFile::read_row(size_t number, std::span<float> row) const {
  const auto offset = static_cast<off_t>(number * row.size_bytes());
  const int error = read_all(file_.descriptor().get(), std::as_writable_bytes(row), offset);
  if (error != 0) fail("the temporary file for rows can't be read: {}", reason(error));
}

void RowFile::read(const Take& take) const {
  std::vector<size_t> all(count_);
  std::iota(all.begin(), all.end(), size_t{0});
  read(all, take);
}

void RowFile::read(std::span<const size_t> order, const Take& take) const {
  std::vector<float> row(elements(row_));
  for (const size_t number : order) {
    read_row(number, row);
    take(row);
  }
}

}  // namespace fovea
