// Any bytes as an npy file: either one clear Error, or an array that is what its shape says.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "fovea/io/error.h"
#include "fovea/io/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const fovea::Array array = fovea::parse_npy(std::as_bytes(std::span(data, size)), "fuzz.npy");
    if (static_cast<size_t>(fovea::elements(array.shape)) != array.data.size()) std::abort();
  } catch (const fovea::Error&) {
    // The only exception that may come out.
  }
  return 0;
}
