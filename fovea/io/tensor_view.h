// A tensor of an open file, of whatever format.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "fovea/api.h"
#include "fovea/io/array.h"

namespace fovea {

// `bytes` lives as long as the file that it is of, and is checked to hold exactly elements(shape)
// elements of `dtype`, row by row.
struct TensorView {
  std::string name;   // as the file spells it
  std::string dtype;  // as safetensors spell it: F32, F16, BF16, I64, ...
  Shape shape;
  std::span<const std::byte> bytes;
};

// The values of an F32, F16 or BF16 tensor as floats (exact). Throws Error naming file and tensor
// for any other dtype.
FOVEA_API std::vector<float> to_floats(const TensorView& tensor, const std::string& file_name);

}  // namespace fovea
