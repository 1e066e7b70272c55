// Architectures by the names that timm and DeiT gave them.
#include <charconv>
#include <string_view>

#include "fovea/io/error.h"
#include "fovea/model/architecture.h"
#include "fovea/model/tensors.h"

namespace fovea {
namespace {

struct Size {
  std::string_view name;
  int width, depth, heads;
};
constexpr Size kSizes[] = {{"tiny", 192, 12, 3},
                           {"small", 384, 12, 6},
                           {"base", 768, 12, 12},
                           {"large", 1024, 24, 16},
                           {"huge", 1280, 32, 16}};

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  fail(
      "{}: {}; expected (vit|deit)_(tiny|small|base|large|huge)_patch(8|14|16|32)_SIZE, for "
      "instance "
      "vit_small_patch16_224 or vit_base_patch16_224x384",
      printable(name), why);
}

// Takes `part` off the front of `text`.
bool take(std::string_view& text, std::string_view part) {
  if (!text.starts_with(part)) return false;
  text.remove_prefix(part.size());
  return true;
}

// Takes a whole number off the front of `text`; 0 if there is none.
int take_number(std::string_view& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return 0;
  text.remove_prefix(end - text.data());
  return number;
}

const Size* take_size(std::string_view& text) {
  for (const Size& size : kSizes) {
    if (take(text, size.name)) return &size;
  }
  return nullptr;
}

}  // namespace

Architecture named_architecture(const std::string& name) {
  std::string_view rest = name;
  if (!take(rest, "vit_") && !take(rest, "deit_")) refuse(name, "not a named architecture");
  const Size* size = take_size(rest);
  if (size == nullptr) refuse(name, "unknown size of model");
  if (!take(rest, "_patch")) refuse(name, "no patch size");
  const int patch = take_number(rest);
  if (patch != 8 && patch != 14 && patch != 16 && patch != 32) refuse(name, "unknown patch size");
  if (!take(rest, "_")) refuse(name, "no image size");
  const int height = take_number(rest);
  const int width = take(rest, "x") ? take_number(rest) : height;
  if (!rest.empty() || height < patch || width < patch || height > 8192 || width > 8192) {
    refuse(name, "unknown image size");
  }
  if (height % patch != 0 || width % patch != 0)
    refuse(name, fmt::format("image size is no multiple of {}", patch));

  Architecture a;
  a.name = name;
  a.width = size->width;
  a.depth = size->depth;
  a.heads = size->heads;
  a.mlp_width = 4 * size->width;
  a.patch = {patch, patch};
  a.class_token = true;
  a.final_norm = true;
  a.classes = 1000;
  a.image_size = {height, width};
  a.position_rows = height / patch * (width / patch) + 1;
  for_each_tensor(a,
                  [&](const std::string&, const Shape& shape) { a.parameters += elements(shape); });
  return a;
}

}  // namespace fovea
