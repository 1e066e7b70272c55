// Which image encoder a file holds, told by its weights.
#pragma once

#include <string>

#include "fovea/io/tensor_file.h"

namespace fovea {

// 16 hexadecimal digits, made of the shapes of all tensors but the prompt encoder's and the mask
// decoder's, and of some of their bytes: equal for files with the same weights, whatever their
// tensors are called, and, but by a chance of 2^-64, different for others.
std::string encoder_fingerprint(const TensorFile& file);

}  // namespace fovea
