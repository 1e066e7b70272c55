// What torch's files may name: nothing of it is ever imported or called.
#pragma once

#include <optional>
#include <string_view>

namespace fovea {

// "torch FloatStorage": module, a blank, name.
bool is_allowed_in_pth(std::string_view global);

// The number format of a storage's type, as safetensors spell it, and its bytes; nothing for other
// globals.
struct StorageFormat {
  std::string_view dtype;
  int width;
};
std::optional<StorageFormat> storage_format(std::string_view global);

// Whether calling it would make a tensor.
bool makes_tensor(std::string_view global);
// Whether it would make a torch.nn.Parameter, of a tensor.
bool makes_parameter(std::string_view global);

}  // namespace fovea
