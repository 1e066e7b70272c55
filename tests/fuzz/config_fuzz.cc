// Any text as config.json and as preprocessor_config.json: a Config or one clear Error.
#include <cstddef>
#include <cstdint>
#include <string>

#include "fovea/io/error.h"
#include "fovea/model/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    fovea::parse_config(text, "config.json");
  } catch (const fovea::Error&) {
    // The only exception that may come out.
  }
  try {
    fovea::Config config;
    fovea::parse_preprocessor_config(text, "preprocessor_config.json", config);
  } catch (const fovea::Error&) {
    // As above.
  }
  return 0;
}
