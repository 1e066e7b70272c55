// Any text as a recipe.json, and as what is typed for one of its keys: one clear Error, or a recipe
// that can be written down and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fovea/io/error.h"
#include "fovea/train/recipe.h"

namespace {

void read(const std::string& text) {
  fovea::Recipe recipe;
  fovea::read_recipe(text, "recipe.json", recipe);
  const std::string written = fovea::recipe_text(recipe);
  fovea::Recipe again;
  fovea::read_recipe(written, "again.json", again);
  if (fovea::recipe_text(again) != written) std::abort();
  fovea::check_recipe(recipe);
}

// The first byte says which key.
void type(const std::string& text) {
  if (text.empty()) return;
  fovea::Recipe recipe;
  const auto fields = fovea::recipe_fields(recipe);
  fovea::set_typed(fields[static_cast<uint8_t>(text[0]) % fields.size()], text.substr(1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const auto use : {read, type}) {
    try {
      use(text);
    } catch (const fovea::Error&) {
      // The only exception that may come out.
    }
  }
  return 0;
}
