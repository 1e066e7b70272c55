// NumPy's .npy files: little-endian float arrays in C order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "fovea/api.h"
#include "fovea/io/array.h"

namespace fovea {

// Reads versions 1 to 3, dtypes <f4, <f2, <f8 (to float), C order. Throws Error naming the file,
// what was found and what was expected (other dtypes, Fortran order, a length that does not fit the
// shape, overflow).
FOVEA_API Array read_npy(const std::filesystem::path& path);

// The same from memory, for tests and fuzzing; `name` stands in messages.
FOVEA_API Array parse_npy(std::span<const std::byte> bytes, const std::string& name);

// Writes version 1.0, <f4, C order, atomically.
FOVEA_API void write_npy(const std::filesystem::path& path, const Array& array);

// Rows of one shape on their way to a .npy file when nobody knows yet how many there will be: they
// wait in a temporary file without a name, in the folder of TMPDIR.
class FOVEA_API NpyRows {
 public:
  // Throws Error naming the folder in which there can be no temporary file.
  explicit NpyRows(Shape row);
  NpyRows(const NpyRows&) = delete;
  NpyRows& operator=(const NpyRows&) = delete;
  ~NpyRows();

  // One row. Throws Error where it can't be kept.
  void append(std::span<const float> row);
  // Hands over the rows in order. After it none can be appended.
  void read(const std::function<void(std::span<const float>)>& take);
  // All rows as one array [rows, row...], atomically. After it none can be appended.
  void write(const std::filesystem::path& path);

 private:
  Shape row_;
  int64_t rows_ = 0;
  std::FILE* file_;
};

}  // namespace fovea
