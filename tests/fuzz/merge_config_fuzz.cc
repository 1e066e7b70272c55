// Any text as a file of --merge-config: one clear Error, or options that can be written down and
// read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fovea/io/error.h"
#include "fovea/tokens/options_json.h"

namespace {

void read(const std::string& text) {
  const std::string written =
      fovea::merge_config_text(fovea::parse_merge_config(text, "merge.json"));
  const auto again = fovea::parse_merge_config(written, "again.json");
  if (fovea::merge_config_text(again) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    read(std::string(reinterpret_cast<const char*>(data), size));
  } catch (const fovea::Error&) {
    // The only exception that may come out.
  }
  return 0;
}
