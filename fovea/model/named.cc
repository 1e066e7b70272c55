// Architectures by the names that timm and DeiT gave them.
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "fovea/io/fail.h"
#include "fovea/model/architecture.h"
#include "fovea/model/published.h"
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

// The big.LITTLE ViTs of the paper: a LITTLE width beside one of these sizes.
struct Pair {
  std::string_view name;
  const Size& big;
  int little_width, first_big, little_every;
  std::array<int, 4> predict_after;  // 0: none
};
constexpr Pair kPairs[] = {{"base_tiny", kSizes[2], 192, 1, 1, {1, 4, 7, 10}},
                           {"huge_base", kSizes[4], 768, 9, 2, {9, 16, 24}}};

Routing routing_of(const Pair& pair) {
  Routing routing;
  routing.first_big = pair.first_big;
  routing.little_every = pair.little_every;
  routing.little_width = pair.little_width;
  routing.little_heads = pair.little_width / 64;
  routing.little_mlp_width = 4 * pair.little_width;
  for (const int layer : pair.predict_after) {
    if (layer > 0) routing.predict_after.push_back(layer);
  }
  return routing;
}

// Segment Anything's image encoders, for 1024 pixels.
struct Encoder {
  std::string_view name;
  int width, depth, heads, every;  // each such layer sees whole images
};
constexpr Encoder kEncoders[] = {
    {"sam_vit_b", 768, 12, 12, 3}, {"sam_vit_l", 1024, 24, 16, 6}, {"sam_vit_h", 1280, 32, 16, 8}};

// Those of big.LITTLE ViTs.
struct EncoderPair {
  std::string_view name;
  const Encoder& big;
  const Pair& pair;
};
constexpr EncoderPair kEncoderPairs[] = {{"blsam_base_tiny", kEncoders[0], kPairs[0]},
                                         {"blsam_huge_base", kEncoders[2], kPairs[1]}};

Architecture encoder_of(const Encoder& encoder) {
  Architecture a;
  a.name = encoder.name;
  a.width = encoder.width;
  a.depth = encoder.depth;
  a.block.heads = encoder.heads;
  a.block.mlp_width = 4 * encoder.width;
  a.image_size = {1024, 1024};
  make_segment_encoder(14, encoder.every, 256, a);
  return a;
}

std::optional<Architecture> named_encoder(const std::string& name) {
  std::optional<Architecture> found;
  for (const Encoder& encoder : kEncoders) {
    if (name == encoder.name) found = encoder_of(encoder);
  }
  for (const EncoderPair& pair : kEncoderPairs) {
    if (name != pair.name) continue;
    found = encoder_of(pair.big);
    found->name = name;
    found->routing = routing_of(pair.pair);
  }
  if (found) found->parameters = count_parameters(*found);
  return found;
}

// Of the many that names of this kind can spell, those that people have.
constexpr std::string_view kUsual[] = {
    "vit_tiny_patch16_224",  "vit_small_patch32_224",       "vit_small_patch16_224",
    "vit_small_patch8_224",  "vit_base_patch32_224",        "vit_base_patch16_224",
    "vit_base_patch16_384",  "vit_base_patch8_224",         "vit_large_patch16_224",
    "vit_large_patch16_384", "vit_large_patch14_224",       "vit_huge_patch14_224",
    "deit_tiny_patch16_224", "deit_small_patch16_224",      "deit_base_patch16_224",
    "deit_base_patch16_384", "blvit_base_tiny_patch16_224", "blvit_huge_base_patch14_224"};

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  fail(
      "{}: {}; expected (vit|deit)_(tiny|small|base|large|huge)_patch(8|14|16|32)_SIZE or "
      "blvit_(base_tiny|huge_base)_patch(8|14|16|32)_SIZE, for instance vit_small_patch16_224 or "
      "vit_base_patch16_224x384, or what `fovea bench --list` shows",
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

// Takes the name of one of `all` off the front of `text`; null if there is none.
template <class Named, size_t kCount>
const Named* take_one(std::string_view& text, const Named (&all)[kCount]) {
  for (const Named& one : all) {
    if (take(text, one.name)) return &one;
  }
  return nullptr;
}

}  // namespace

Architecture named_architecture(const std::string& name) {
  if (std::optional<Architecture> published = published_architecture(name)) return *published;
  if (std::optional<Architecture> encoder = named_encoder(name)) return *encoder;
  if (std::optional<Architecture> media = media_architecture(name)) return *media;
  std::string_view rest = name;
  const bool is_pair = take(rest, "blvit_");
  if (!is_pair && !take(rest, "vit_") && !take(rest, "deit_"))
    refuse(name, "not a named architecture");
  const Pair* pair = is_pair ? take_one(rest, kPairs) : nullptr;
  const Size* size = is_pair ? (pair ? &pair->big : nullptr) : take_one(rest, kSizes);
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
  a.block.heads = size->heads;
  a.block.mlp_width = 4 * size->width;
  a.patch = {patch, patch};
  a.class_token = true;
  a.final_norm = true;
  a.classes = 1000;
  a.image_size = {height, width};
  a.position_rows = static_cast<int>((a.image_size / a.patch).size()) + 1;
  if (pair != nullptr) a.routing = routing_of(*pair);
  a.parameters = count_parameters(a);
  return a;
}

std::vector<std::string> named_architectures(const std::string& pattern) {
  const bool is_part = pattern.find_first_of("*?[") == std::string::npos;
  const std::string whole = is_part ? "*" + pattern + "*" : pattern;
  std::vector<std::string> names(std::begin(kUsual), std::end(kUsual));
  for (const std::vector<std::string>& others : {published_names(), media_names()}) {
    names.insert(names.end(), others.begin(), others.end());
  }
  for (const Encoder& encoder : kEncoders) names.emplace_back(encoder.name);
  for (const EncoderPair& pair : kEncoderPairs) names.emplace_back(pair.name);
  std::erase_if(names, [&](const std::string& name) {
    return ::fnmatch(whole.c_str(), name.c_str(), 0) != 0;
  });
  return names;
}

}  // namespace fovea
