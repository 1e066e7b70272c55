// Any bytes as a delta of a model: one clear Error, or what its metadata says of the model's
// config.
#include <cstddef>
#include <cstdint>
#include <span>

#include "fovea/io/error.h"
#include "fovea/io/tensor_file.h"
#include "fovea/model/config.h"
#include "fovea/model/delta.h"

namespace {

void read(std::span<const uint8_t> bytes) {
  const auto delta = fovea::TensorFile::parse(std::as_bytes(bytes), "delta.safetensors");
  if (!fovea::is_delta(delta)) return;
  fovea::Config config;
  config.labels = {"cat", "dog"};
  fovea::overlay_config(delta, config);
  fovea::check_base(delta, delta);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    read(std::span(data, size));
  } catch (const fovea::Error&) {
    // The only exception that may come out.
  }
  return 0;
}
