#include "fovea/io/tensor_view.h"

#include <cstdint>
#include <functional>

#include "fovea/io/convert.h"
#include "fovea/io/fail.h"

namespace fovea {

std::vector<float> to_floats(const TensorView& tensor, const std::string& file_name) {
  if (tensor.dtype == "F32") {
    return convert_to_floats<float, std::identity{}>(tensor.bytes);
  }
  if (tensor.dtype == "F16") return convert_to_floats<uint16_t, half_to_float>(tensor.bytes);
  if (tensor.dtype == "BF16") return convert_to_floats<uint16_t, bfloat16_to_float>(tensor.bytes);
  fail("{}: tensor {} is {}; expected F32, F16 or BF16{}", file_name, printable(tensor.name),
       tensor.dtype, tensor.dtype == "F64" ? ": fovea convert --dtype f32 rounds it" : "");
}

}  // namespace fovea
