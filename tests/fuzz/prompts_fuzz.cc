// Any text as a file of prompts, or as COCO's string of run lengths: one clear Error, or what can
// be checked against a picture, or written down and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fovea/io/error.h"
#include "fovea/segment/prompt_file.h"
#include "fovea/segment/rle.h"

namespace {

void read_prompts(const std::string& text) {
  try {
    for (const fovea::FilePrompt& prompt : fovea::parse_prompts(text, "prompts.json")) {
      check_prompt(prompt.prompt, 640, 480);
    }
  } catch (const fovea::Error&) {
    // The only exception that may come out.
  }
}

void read_mask(const std::string& text) {
  try {
    const fovea::Rle rle = fovea::rle_of_compressed(text, 48, 64);
    const fovea::Rle again = fovea::encode_rle(fovea::decode_rle(rle), 48, 64);
    const bool same = area_of(rle) == area_of(again) && box_of(rle) == box_of(again) &&
                      overlap(rle, again) == area_of(rle);
    if (!same) std::abort();
  } catch (const fovea::Error&) {
    // Likewise.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read_prompts(text);
  read_mask(text);
  return 0;
}
