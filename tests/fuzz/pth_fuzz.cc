// Any bytes as a file of torch.save's: either one clear Error, or tensors that can all be read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "fovea/io/error.h"
#include "fovea/io/tensor_file.h"

namespace {

void read_all(const fovea::TensorFile& file) {
  for (const auto& [name, tensor] : file.tensors()) {
    unsigned sum = 0;
    for (const std::byte byte : tensor.bytes) sum += std::to_integer<unsigned>(byte);
    // So that no byte goes unread.
    if (sum > 0 && tensor.bytes.empty()) std::abort();
    const bool floats = tensor.dtype == "F32" || tensor.dtype == "F16" || tensor.dtype == "BF16";
    const auto count = static_cast<size_t>(fovea::elements(tensor.shape));
    if (floats && fovea::to_floats(tensor, file.file_name()).size() != count) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  for (const char* key : {"", "model", "a.b"}) {
    try {
      read_all(fovea::TensorFile::parse(bytes, "fuzz.pth", key));
    } catch (const fovea::Error&) {
      // The only exception that may come out.
    }
  }
  return 0;
}
