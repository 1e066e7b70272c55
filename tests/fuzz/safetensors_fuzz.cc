// Any bytes as a safetensors file: either one clear Error, or tensors that can all be read; and as
// the embedding of a picture.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "fovea/io/error.h"
#include "fovea/io/safetensors.h"
#include "fovea/segment/embedding_file.h"

namespace {

void read_all(const fovea::SafeTensors& file) {
  for (const auto& [name, tensor] : file.tensors()) {
    const bool floats = tensor.dtype == "F32" || tensor.dtype == "F16" || tensor.dtype == "BF16";
    if (!floats) continue;
    const auto count = static_cast<size_t>(fovea::elements(tensor.shape));
    if (fovea::to_floats(tensor, file.file_name()).size() != count) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto bytes = std::as_bytes(std::span(data, size));
    const auto file = fovea::SafeTensors::parse(bytes, "fuzz.safetensors");
    read_all(file);
    fovea::read_embedding(file);
  } catch (const fovea::Error&) {
    // The only exception that may come out.
  }
  return 0;
}
