// Architectures of videos and of sound by their names; what no tensor tells is their families' to
// say.
#include <fmt/format.h>

#include "fovea/model/families/family.h"
#include "fovea/model/published.h"
#include "fovea/model/tensors.h"

namespace fovea {
namespace {

struct Size {
  std::string_view name;
  int width, depth, heads;
};
constexpr Size kSizes[] = {
    {"small", 384, 12, 6}, {"base", 768, 12, 12}, {"large", 1024, 24, 16}, {"huge", 1280, 32, 16}};

struct Row {
  const Family& family;
  std::string_view behind;  // the size of the model, in the name
  bool is_small;            // there is a small one
  bool only_base;
  Grid image_size, stride;
  bool class_token, distillation_token;
  int classes;
};
const Row kRows[] = {
    {kVideoMaeOriginal, "patch16_224", true, false, {16, 224, 224}, {}, false, false, 400},
    {kMaeSt, "patch16_224", false, false, {16, 224, 224}, {}, true, false, 400},
    {kAst, "patch16_128x1024", false, true, {1024, 128}, {10, 10}, true, true, 527},
    {kAudioMae, "patch16_1024x128", false, true, {1024, 128}, {}, true, false, 527},
};

bool has(const Row& row, const Size& size) {
  if (row.only_base) return size.name == "base";
  return row.is_small || size.name != "small";
}

std::string name_of(const Row& row, const Size& size) {
  return fmt::format("{}_{}_{}", row.family.architecture, size.name, row.behind);
}

Architecture architecture_of(const Row& row, const Size& size) {
  const Traits traits = row.family.traits({});
  Architecture a;
  a.name = name_of(row, size);
  a.family = row.family.name;
  a.medium = traits.medium;
  a.in_channels = traits.medium == Medium::sound ? 1 : 3;
  a.patch = traits.medium == Medium::video ? Grid(2, 16, 16) : Grid(16, 16);
  a.stride = row.stride;
  a.frequency_first = traits.frequency_first;
  a.image_size = row.image_size;
  a.width = size.width;
  a.depth = size.depth;
  a.block.heads = size.heads;
  a.block.mlp_width = 4 * size.width;
  a.block.eps = traits.eps;
  a.class_token = row.class_token;
  a.distillation_token = row.distillation_token;
  a.sinusoids = traits.sinusoids;
  a.split_positions = &row.family == &kMaeSt;
  if (!a.sinusoids) {
    a.position_rows = static_cast<int>(a.patches_of(a.image_size).size()) + a.prefix();
  }
  a.pooling = traits.pooling.value_or(Pooling::average);
  a.late_norm = traits.late_norm;
  a.head_norm = a.pooling == Pooling::prefix;
  a.final_norm = a.late_norm || a.head_norm;
  a.fc_norm = !a.final_norm;
  a.classes = row.classes;
  a.parameters = count_parameters(a);
  // Keys have no bias there.
  if (&row.family == &kVideoMaeOriginal) a.parameters -= int64_t{a.depth} * a.width;
  return a;
}

}  // namespace

std::optional<Architecture> media_architecture(const std::string& name) {
  for (const Row& row : kRows) {
    for (const Size& size : kSizes) {
      if (has(row, size) && name == name_of(row, size)) return architecture_of(row, size);
    }
  }
  return std::nullopt;
}

std::vector<std::string> media_names() {
  std::vector<std::string> names;
  for (const Row& row : kRows) {
    for (const Size& size : kSizes) {
      if (has(row, size)) names.push_back(name_of(row, size));
    }
  }
  return names;
}

}  // namespace fovea
