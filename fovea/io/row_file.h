// Rows of one shape on their way to a file when nobody knows yet how many there will be.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "fovea/io/array.h"
#include "fovea/io/temporary_file.h"

namespace fovea {

// They wait in a temporary file, in the folder for such files (TMPDIR).
class RowFile {
 public:
  using Take = std::function<void(std::span<const float>)>;

  explicit RowFile(Shape row);

  const Shape& row_shape() const { return row_; }
  size_t count() const { return count_; }
  // One row. Throws Error where it can't be kept.
  void append(std::span<const float> row);
  // Hands over the rows in order, or those of the numbers in `order`. Throws Error where they can't
  // be read.
  void read(const Take& take) const;
  void read(std::span<const size_t> order, const Take& take) const;

 private:
  void read_row(size_t number, std::span<float> row) const;

  Shape row_;
  size_t count_ = 0;
  TemporaryFile file_;
};

}  // namespace fovea
