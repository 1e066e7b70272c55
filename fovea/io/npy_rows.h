// Rows of one shape on their way to a .npy file when nobody knows yet how many there will be.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>

#include "fovea/io/array.h"
#include "fovea/io/replacement.h"
#include "fovea/io/temporary_file.h"

namespace fovea {

// They wait in a temporary file, in the folder for such files (TMPDIR).
class NpyRows {
 public:
  explicit NpyRows(Shape row);

  size_t count() const { return count_; }
  // One row. Throws Error where it can't be kept.
  void append(std::span<const float> row);
  // Hands over the rows in order.
  void read(const std::function<void(std::span<const float>)>& take) const;
  // All rows as one array [rows, row...], that of number order[i] as the i-th, ready to take its
  // place.
  Replacement write(const std::filesystem::path& path, std::span<const size_t> order) const;

 private:
  void read_row(size_t number, std::span<float> row) const;

  Shape row_;
  size_t count_ = 0;
  TemporaryFile file_;
};

}  // namespace fovea
