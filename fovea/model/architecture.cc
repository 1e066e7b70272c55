// From shapes and a config to an architecture, and the checks that the two agree.
#include "fovea/model/architecture.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/published.h"
#include "fovea/model/tensors.h"

namespace fovea {
namespace {

constexpr int64_t kLargestExtent = 1 << 20;
constexpr int kLargestPatch = 1 << 13;

// Extent `axis` of a tensor that must have `rank` of them, as an int.
int extent(const Checkpoint& checkpoint, const std::string& name, size_t rank, size_t axis) {
  const Shape& shape = checkpoint.shape(name);
  if (shape.size() != rank) {
    fail("{}: tensor {} is {}; expected {} dimensions", checkpoint.file_name(),
         checkpoint.spelling(name), to_string(shape), rank);
  }
  if (shape[axis] < 1 || shape[axis] > kLargestExtent) {
    fail("{}: tensor {} is {}; expected extents from 1 to {}", checkpoint.file_name(),
         checkpoint.spelling(name), to_string(shape), kLargestExtent);
  }
  return static_cast<int>(shape[axis]);
}

// Weight or bias: the other one is missed, by its name, when all tensors are checked.
bool has_part(const Checkpoint& checkpoint, const std::string& name) {
  return checkpoint.has(name + ".weight") || checkpoint.has(name + ".bias");
}

// Convolutions patch_embed.proj.{0,3,6,..}, each of which may have a norm behind it.
int count_convolutions(const Checkpoint& checkpoint) {
  const auto is_there = [&](int index) {
    return has_part(checkpoint, fmt::format("patch_embed.proj.{}", index));
  };
  int count = 0;
  while (is_there(3 * count) || is_there(3 * count + 1)) ++count;
  return count;
}

// Extent `axis` of the weight of convolution `index`.
int convolution_extent(const Checkpoint& checkpoint, int index, size_t axis) {
  return extent(checkpoint, fmt::format("patch_embed.proj.{}.weight", 3 * index), 4, axis);
}

void infer_hmlp(const Checkpoint& checkpoint, int count, Architecture& a) {
  a.stem = Stem::hmlp;
  a.patch = {1, 1};
  for (int i = 0; i < count; ++i) {
    // Kernels are squares, and the steps as wide: that is checked with all shapes.
    const int kernel = convolution_extent(checkpoint, i, 2);
    a.convolutions.push_back({kernel, kernel, convolution_extent(checkpoint, i, 0)});
    if (kernel > kLargestPatch / a.patch[0]) {
      fail("{}: the hMLP stem has patches of more than {} pixels", checkpoint.file_name(),
           kLargestPatch);
    }
    a.patch = {a.patch[0] * kernel, a.patch[0] * kernel};
  }
  a.width = a.convolutions.back().channels;
}

// `count`: with the 1x1 convolution at the end.
void infer_conv(const Checkpoint& checkpoint, const Config& config, int count, Architecture& a) {
  a.stem = Stem::conv;
  a.width = convolution_extent(checkpoint, count - 1, 0);
  std::vector<int> channels;
  for (int i = 0; i + 1 < count; ++i) channels.push_back(convolution_extent(checkpoint, i, 0));
  a.patch[0] = a.patch[1] = 1 << std::min(count - 1, 20);
  if (config.patch_size) a.patch = *config.patch_size;
  if (a.patch[0] != a.patch[1]) {
    fail("{}: config.json says patch_size {} x {}; expected a square for a convolutional stem",
         checkpoint.file_name(), a.patch[0], a.patch[1]);
  }
  a.convolutions = overlapping_convolutions(channels, a.patch[0], checkpoint.file_name());
}

void infer_linear(const Checkpoint& checkpoint, Architecture& a) {
  const std::string name = "patch_embed.proj.weight";
  a.width = extent(checkpoint, name, 4, 0);
  a.patch = {extent(checkpoint, name, 4, 2), extent(checkpoint, name, 4, 3)};
  if (extent(checkpoint, name, 4, 1) != 3) {
    fail("{}: tensor {} is {}; expected 3 input channels", checkpoint.file_name(),
         checkpoint.spelling(name), to_string(checkpoint.shape(name)));
  }
}

void infer_stem(const Checkpoint& checkpoint, const Config& config, Architecture& a) {
  const int count = count_convolutions(checkpoint);
  if (count == 0) {
    infer_linear(checkpoint, a);
  } else if (count > 1 && convolution_extent(checkpoint, count - 1, 2) == 1) {
    infer_conv(checkpoint, config, count, a);
  } else {
    infer_hmlp(checkpoint, count, a);
  }
  if (config.patch_size && *config.patch_size != a.patch) {
    fail("{}: patches of {} x {} pixels found; config.json says {} x {}", checkpoint.file_name(),
         a.patch[0], a.patch[1], (*config.patch_size)[0], (*config.patch_size)[1]);
  }
}

void infer_tokens(const Checkpoint& checkpoint, const Config& config, Architecture& a) {
  a.distillation_token = checkpoint.has("dist_token") || has_part(checkpoint, "head_dist");
  a.class_token = checkpoint.has("cls_token") || a.distillation_token;
  if (checkpoint.has("reg_token")) a.registers = extent(checkpoint, "reg_token", 3, 1);
  if (config.position_embedding || checkpoint.has("pos_embed")) {
    // [1, n, C], or [n, 1, C] in SWAG's files.
    a.position_rows =
        std::max(extent(checkpoint, "pos_embed", 3, 0), extent(checkpoint, "pos_embed", 3, 1));
  }
  if (config.image_size) a.image_size = *config.image_size;
  if (config.input_size) a.input_size = *config.input_size;
}

// What the config says, else the table of published architectures, else the width where all models
// of that width have equally many.
int heads_of(const Config& config, const Checkpoint& checkpoint, int width) {
  if (config.heads) {
    if (width % *config.heads != 0) {
      fail("{}: {} channels can't be shared out to {} heads; expected a number that divides them",
           checkpoint.file_name(), width, *config.heads);
    }
    return *config.heads;
  }
  if (const int heads = published_as(config.architecture).heads; heads > 0) return heads;
  if (width % 64 == 0 && width <= 1024) return width / 64;
  constexpr int kOfSixteen[] = {1152, 1280, 1408, 1664, 1792};
  if (std::find(std::begin(kOfSixteen), std::end(kOfSixteen), width) != std::end(kOfSixteen))
    return 16;
  fail(
      "{}: the number of heads can't be told for {} channels; expected --num-heads N, or num_heads "
      "in config.json",
      checkpoint.file_name(), width);
}

void infer_blocks(const Checkpoint& checkpoint, const Config& config, Architecture& a) {
  a.depth = checkpoint.depth();
  if (a.depth == 0)
    fail("{}: no transformer blocks found under any known name", checkpoint.file_name());
  if (config.depth && *config.depth != a.depth) {
    fail("{}: {} layers found; config.json says {}", checkpoint.file_name(), a.depth,
         *config.depth);
  }
  a.block.branches = std::max(1, checkpoint.branches());
  const std::string mlp = "blocks.0.ffns.0.mlp.";
  a.block.mlp_width = extent(checkpoint, mlp + "fc1.weight", 2, 0);
  if (int64_t{2} * extent(checkpoint, mlp + "fc2.weight", 2, 1) == a.block.mlp_width) {
    fail("{}: tensor {} has twice the rows that fc2 takes: SwiGLU, which is not supported",
         checkpoint.file_name(), checkpoint.spelling(mlp + "fc1.weight"));
  }
  a.block.heads = heads_of(config, checkpoint, a.width);
  a.block.layer_scale =
      checkpoint.has("blocks.0.attns.0.ls.gamma") || checkpoint.has("blocks.0.ffns.0.ls.gamma");
}

// Routed layers from one LITTLE block to the next; 0 where there are none.
int little_every_of(const Config& config, const Checkpoint& checkpoint, const Architecture& a,
                    int first_big) {
  if (config.little_every) return *config.little_every;
  const auto has_little = [&](int layer) {
    return checkpoint.first_under(fmt::format("blocks.{}.little.", layer)).has_value();
  };
  if (!has_little(first_big)) return 0;
  int every = 1;
  while (first_big + every < a.depth && !has_little(first_big + every)) ++every;
  return every;
}

int little_heads_of(const Config& config, const Checkpoint& checkpoint, int width) {
  if (!config.little_heads && width % 64 != 0) {
    fail(
        "{}: the number of heads can't be told for {} channels of LITTLE blocks; config.json "
        "should "
        "give little_num_heads",
        checkpoint.file_name(), width);
  }
  const int heads = config.little_heads.value_or(width / 64);
  if (width % heads != 0) {
    fail(
        "{}: {} channels of LITTLE blocks can't be shared out to {} heads; config.json should give "
        "little_num_heads",
        checkpoint.file_name(), width, heads);
  }
  return heads;
}

// The layers that the config names, held against each other and against the depth.
void check_routing(const Config& config, const Checkpoint& checkpoint, const Architecture& a) {
  const std::vector<int>& layers = config.predict_after;
  if (a.block.branches > 1 || a.block.layer_scale) {
    fail("{}: predictors of a big.LITTLE ViT beside {}; expected the blocks of a plain one",
         checkpoint.file_name(), a.block.layer_scale ? "LayerScale" : "parallel branches");
  }
  if (layers.empty()) {
    fail(
        "{}: {} found, which makes it a big.LITTLE ViT; config.json should give predict_after, the "
        "layers that predictors follow",
        checkpoint.file_name(), checkpoint.spelling(*checkpoint.first_under("predictors.")));
  }
  if (config.first_big.value_or(layers.front()) != layers.front()) {
    fail("{}: config.json gives first_big as {} and predict_after from {} on; expected the same",
         checkpoint.file_name(), *config.first_big, layers.front());
  }
  if (layers.back() >= a.depth) {
    fail("{}: config.json gives predict_after up to {}; expected less than the {} layers found",
         checkpoint.file_name(), layers.back(), a.depth);
  }
}

void infer_routing(const Checkpoint& checkpoint, const Config& config, Architecture& a) {
  if (!checkpoint.first_under("predictors.") && config.predict_after.empty()) return;
  check_routing(config, checkpoint, a);
  Routing routing;
  routing.predict_after = config.predict_after;
  routing.first_big = config.predict_after.front();
  routing.keep_ratio = config.keep_ratio;
  routing.learned = config.learned_routing;
  routing.cross_attention = config.cross_attention;
  routing.little_every = little_every_of(config, checkpoint, a, routing.first_big);
  if (routing.little_every > 0) {
    const std::string mlp = fmt::format("blocks.{}.little.mlp.", routing.first_big);
    routing.little_width = extent(checkpoint, mlp + "down.weight", 2, 0);
    routing.little_mlp_width = extent(checkpoint, mlp + "fc1.weight", 2, 0);
    routing.little_heads = little_heads_of(config, checkpoint, routing.little_width);
  }
  a.routing = routing;
}

void infer_head(const Checkpoint& checkpoint, const Config& config, Architecture& a) {
  a.fc_norm = has_part(checkpoint, "fc_norm");
  // Only a norm after pooling, or the config, can take the place of the final norm.
  a.final_norm = has_part(checkpoint, "norm") || (config.final_norm && !a.fc_norm);
  a.pooling =
      config.pooling.value_or(a.fc_norm || !a.class_token ? Pooling::average : Pooling::token);
  if (a.pooling == Pooling::token && !a.class_token) {
    fail("{}: config.json asks for pooling by class token; expected a tensor {}",
         checkpoint.file_name(), checkpoint.spelling("cls_token"));
  }
  if (!has_part(checkpoint, "head")) return;
  a.classes = extent(checkpoint, "head.weight", 2, 0);
  a.pool_concat = a.class_token && checkpoint.shape("head.weight")[1] == int64_t{2} * a.width;
}

// The blocks of all layers have the same parts: names what only some of them have. What some lack
// has been named before.
void check_alike(const Checkpoint& checkpoint, const Architecture& a) {
  for (int layer = 0; layer < a.depth; ++layer) {
    for (const char* kind : {"attns", "ffns"}) {
      const std::string block = fmt::format("blocks.{}.{}.", layer, kind);
      if (const auto extra = checkpoint.first_under(fmt::format("{}{}.", block, a.block.branches))) {
        fail("{}: tensor {} is of branch {}; expected {} in each layer, as in the first",
             checkpoint.file_name(), checkpoint.spelling(*extra), a.block.branches + 1, a.block.branches);
      }
      for (int branch = 0; branch < a.block.branches; ++branch) {
        const std::string scale = fmt::format("{}{}.ls.gamma", block, branch);
        if (a.block.layer_scale || !checkpoint.has(scale)) continue;
        fail("{}: tensor {} is LayerScale, which the first layer lacks; expected it in all or none",
             checkpoint.file_name(), checkpoint.spelling(scale));
      }
    }
  }
}

// Names what a big.LITTLE ViT has in other layers than its config says.
void check_routed(const Checkpoint& checkpoint, const Architecture& a) {
  if (!a.routing) return;
  const Routing& routing = *a.routing;
  const auto refuse = [&](const std::string& beginning, const std::string& why) {
    const auto name = checkpoint.first_under(beginning);
    if (name) fail("{}: tensor {} {}", checkpoint.file_name(), checkpoint.spelling(*name), why);
  };
  for (int layer = 0; layer < a.depth; ++layer) {
    const std::string block = fmt::format("blocks.{}.", layer);
    if (layer < routing.first_big) {
      refuse(block + "alpha_",
             fmt::format("is of a routed layer; expected it after the first {}, as first_big and "
                         "predict_after in config.json say",
                         routing.first_big));
    }
    if (routing.has_little(layer)) continue;
    const std::string why = fmt::format(
        "is of a LITTLE block; expected one in every {} layers after the first {}, as "
        "little_every and first_big in config.json say",
        routing.little_every, routing.first_big);
    refuse(block + "little.", why);
    refuse(block + "gamma", why);
  }
  const size_t count = routing.predict_after.size();
  refuse(fmt::format("predictors.{}.", count),
         fmt::format("is of predictor {}; predict_after in config.json names {} layers", count + 1,
                     count));
}

bool is_set(const std::array<int, 2>& size) { return size[0] > 0; }

// The prefixes that a table of positions can have: all prefix tokens, none, or the class token
// before registers.
std::vector<int> table_prefixes(const Architecture& a) {
  std::vector<int> prefixes = {a.prefix(), 0};
  if (a.registers > 0 && a.class_token) prefixes.push_back(1);
  return prefixes;
}

// The square grid that a table was made for; a grid of 0 rows if none fits.
PositionLayout square_layout(const Architecture& a) {
  for (const int prefix : table_prefixes(a)) {
    const int patches = std::max(0, a.position_rows - prefix);
    const int side = static_cast<int>(std::lround(std::sqrt(patches)));
    if (side > 0 && side * side == patches) return {prefix, {side, side}};
  }
  return {};
}

}  // namespace

BlockShape Architecture::layer(int /*layer*/) const {
  BlockShape shape = block;
  shape.width = width;
  return shape;
}

BlockShape Architecture::little() const {
  BlockShape shape = layer(0);
  shape.heads = routing->little_heads;
  shape.attention = shape.bottleneck = routing->little_width;
  shape.mlp_width = routing->little_mlp_width;
  return shape;
}

Architecture infer_architecture(const Checkpoint& checkpoint, const Config& config) {
  checkpoint.check_supported();
  Architecture a;
  a.name = config.architecture;
  a.block.eps = config.layer_norm_eps;
  infer_stem(checkpoint, config, a);
  infer_blocks(checkpoint, config, a);
  infer_routing(checkpoint, config, a);
  infer_tokens(checkpoint, config, a);
  infer_head(checkpoint, config, a);
  for_each_tensor(
      a, [&](const std::string& tensor, const Shape& shape) { checkpoint.expect(tensor, shape); });
  check_alike(checkpoint, a);
  check_routed(checkpoint, a);
  checkpoint.check_all_used();
  a.parameters = checkpoint.parameters();
  return a;
}

double keep_ratio_of(const Architecture& a, std::optional<double> wanted) {
  if (!wanted) return a.routing ? a.routing->keep_ratio : 1;
  if (!a.routing) fail("keep ratio {}: the model is no big.LITTLE ViT; expected none", *wanted);
  if (!(*wanted > 0 && *wanted <= 1))
    fail("keep ratio {}: expected a number above 0, at most 1", *wanted);
  return *wanted;
}

PositionLayout position_layout(const Architecture& a, std::array<int, 2> grid) {
  const int64_t rows = a.position_rows;
  const int64_t patches = int64_t{grid[0]} * grid[1];
  const std::vector<int> prefixes = table_prefixes(a);
  for (const int prefix : {0, a.prefix(), prefixes.back()}) {
    if (rows == patches + prefix) return {prefix, grid};
  }
  for (const std::array<int, 2>& size : {a.image_size, a.input_size}) {
    if (!is_set(size)) continue;
    const std::array<int, 2> other = {size[0] / a.patch[0], size[1] / a.patch[1]};
    for (const int prefix : prefixes) {
      if (rows == other[0] * other[1] + prefix) return {prefix, other};
    }
  }
  const PositionLayout square = square_layout(a);
  if (square.grid[0] > 0) return square;
  fail(
      "position embedding of {} rows: its grid can't be told for {} x {} patches and {} prefix "
      "tokens; config.json should "
      "give img_size",
      rows, grid[0], grid[1], a.prefix());
}

void check_input_size(const std::string& what, int64_t height, int64_t width,
                      const Architecture& a) {
  std::string nearest;
  for (const auto& [side, patch] : {std::pair{height, a.patch[0]}, {width, a.patch[1]}}) {
    const int64_t below = side / patch * patch;
    if (below > 0 && below == side) continue;
    const std::string text =
        below == 0 ? fmt::format("; the least is {}", patch)
                   : fmt::format("; next to {} are {} and {}", side, below, below + patch);
    if (nearest.find(text) == std::string::npos) nearest += text;
  }
  if (nearest.empty()) return;
  fail("{}: expected multiples of the patch, {} x {}{}", what, a.patch[0], a.patch[1], nearest);
}

std::array<int, 2> made_for(const Architecture& a) {
  if (is_set(a.input_size)) return a.input_size;
  if (is_set(a.image_size)) return a.image_size;
  const int side = square_layout(a).grid[0];
  return side > 0 ? std::array<int, 2>{side * a.patch[0], side * a.patch[1]}
                  : std::array<int, 2>{224, 224};
}

}  // namespace fovea
