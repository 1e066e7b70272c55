// The number formats that weights are written in.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "fovea/io/array.h"
#include "fovea/io/safetensors.h"
#include "fovea/io/tensor_view.h"

namespace fovea {

enum class Storage { f32, f16, bf16 };

// As safetensors spell it: "BF16".
const char* dtype_of(Storage storage);

// The format that a file's dtype is; f32 for all that are none of these.
Storage storage_of(std::string_view dtype);

// A tensor of such a format whose values are read as its turn to be written comes. Writing it into
// `file` throws Error naming that and the tensor for values that f16 can't hold.
TensorToWrite stored_as(Storage storage, std::string name, Shape shape,
                        std::function<std::vector<float>()> read, std::string file);

// A tensor of an open file under a name, in its own format or `storage`, to which F64 is rounded;
// what holds no such numbers stays as it is. Throws likewise.
TensorToWrite stored_anew(const TensorView& tensor, std::string name,
                          std::optional<Storage> storage, std::string file);

}  // namespace fovea
