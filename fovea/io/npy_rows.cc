#include "fovea/io/npy_rows.h"

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <vector>

#include "fovea/io/fail.h"
#include "fovea/io/npy.h"

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

NpyRows::NpyRows(Shape row) : row_(std::move(row)), file_(file_for_rows()) {}

void NpyRows::append(std::span<const float> row) {
  if (static_cast<int64_t>(row.size()) != elements(row_)) {
    fail("a row of {} values; expected {}", row.size(), to_string(row_));
  }
  if (const int error = write_all(file_.descriptor().get(), std::as_bytes(row))) {
    fail("the temporary file for rows can't be written: {}", reason(error));
  }
  ++count_;
}

void NpyRows::read_row(size_t number, std::span<float> row) const {
  const auto offset = static_cast<off_t>(number * row.size_bytes());
  const int error = read_all(file_.descriptor().get(), std::as_writable_bytes(row), offset);
  if (error != 0) fail("the temporary file for rows can't be read: {}", reason(error));
}

void NpyRows::read(const std::function<void(std::span<const float>)>& take) const {
  std::vector<float> row(elements(row_));
  for (size_t number = 0; number < count_; ++number) {
    read_row(number, row);
    take(row);
  }
}

Replacement NpyRows::write(const std::filesystem::path& path, std::span<const size_t> order) const {
  Shape shape = row_;
  shape.insert(shape.begin(), static_cast<int64_t>(count_));
  return {path, [&](std::ostream& out) {
            out << npy_header(shape);
            std::vector<float> row(elements(row_));
            for (const size_t number : order) {
              read_row(number, row);
              out.write(reinterpret_cast<const char*>(row.data()),
                        static_cast<std::streamsize>(row.size() * sizeof(float)));
            }
          }};
}

}  // namespace fovea
