// What an architecture means for inputs and for ways to merge.
#include "fovea/model/architecture.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/tokens/routing.h"

namespace fovea {
namespace {

// The prefixes that a table of positions can have: all prefix tokens, none, or the class token
// before registers.
std::vector<int> table_prefixes(const Architecture& a) {
  std::vector<int> prefixes = {a.prefix(), 0};
  if (a.registers > 0 && a.class_token) prefixes.push_back(1);
  return prefixes;
}

// The square grid that a table was made for; a grid of 0 rows if none fits.
PositionLayout square_layout(const Architecture& a) {
  if (!a.position_grid.empty()) return {0, a.position_grid};
  for (const int prefix : table_prefixes(a)) {
    const int patches = std::max(0, a.position_rows - prefix);
    const int side = static_cast<int>(std::lround(std::sqrt(patches)));
    if (side > 0 && side * side == patches) return {prefix, {side, side}};
  }
  return {};
}

}  // namespace

BlockShape Architecture::layer(int layer) const {
  BlockShape shape = block;
  shape.width = width;
  shape.layers = depth;
  shape.decomposed = decomposed;
  if (window > 0 && !std::ranges::binary_search(over_all, layer)) {
    shape.window = window;
    if (!decomposed.empty()) shape.decomposed = {window, window};
  }
  return shape;
}

WindowedLayers Architecture::windowed(const Grid& grid) const {
  WindowedLayers layers{grid, window, {}};
  for (int i = 0; i < depth; ++i) layers.within.push_back(layer(i).window > 0);
  return layers;
}

BlockShape Architecture::little(int of_layer) const {
  BlockShape shape = layer(of_layer);
  shape.heads = routing->little_heads;
  shape.attention = shape.bottleneck = routing->little_width;
  shape.mlp_width = routing->little_mlp_width;
  shape.joins = true;
  return shape;
}

void place_segment_encoder(Architecture& a) {
  a.position_grid = a.decomposed = a.image_size / a.patch;
  a.position_rows = static_cast<int>(a.position_grid.size());
}

void make_segment_encoder(int window, int every, int neck, Architecture& a) {
  place_segment_encoder(a);
  a.window = window;
  for (int layer = every - 1; layer < a.depth; layer += every) a.over_all.push_back(layer);
  a.neck = neck;
  a.pooling = Pooling::average;
}

int last_asking(const Architecture& a, const MergeOptions& merge) {
  return a.routing || merge.threshold ? 0 : a.seen_by_head();
}

double keep_ratio_of(const Architecture& a, std::optional<double> wanted) {
  if (!wanted) return a.routing ? a.routing->keep_ratio : 1;
  if (!a.routing) fail("keep ratio {}: the model is no big.LITTLE ViT; expected none", *wanted);
  if (!(*wanted > 0 && *wanted <= 1))
    fail("keep ratio {}: expected a number above 0, at most 1", *wanted);
  return *wanted;
}

int selected_tokens(const Architecture& a, double keep_ratio, int tokens) {
  return a.prefix() + selected_patches(keep_ratio, tokens - a.prefix());
}

std::optional<int> position_prefix(const Architecture& a, const Grid& grid) {
  for (const int prefix : {0, a.prefix(), table_prefixes(a).back()}) {
    if (a.position_rows == grid.size() + prefix) return prefix;
  }
  return std::nullopt;
}

PositionLayout position_layout(const Architecture& a, const Grid& grid) {
  const int64_t rows = a.position_rows;
  const std::vector<int> prefixes = table_prefixes(a);
  if (const auto prefix = position_prefix(a, grid)) return {*prefix, grid};
  for (const Grid& size : {a.image_size, a.input_size}) {
    if (size.empty()) continue;
    const Grid other = a.patches_of(size);
    for (const int prefix : prefixes) {
      if (rows == other.size() + prefix) return {prefix, other};
    }
  }
  const PositionLayout square = square_layout(a);
  if (square.grid.rows > 0) return square;
  fail(
      "position embedding of {} rows: its grid can't be told for {} patches and {} prefix tokens; "
      "config.json should give img_size",
      rows, grid_text(grid), a.prefix());
}

namespace {

// Tables of relative positions that serve no other grid.
void check_bias_grid(const std::string& what, const Grid& size, const Architecture& a) {
  if (a.block.bias_rows == 0 || a.resizes_bias) return;
  const Grid own = a.block.bias_grid * a.patch;
  if (size == own) return;
  fail(
      "{}: the model's tables of relative positions are resampled by splines in timm, which is not "
      "supported; expected {} x {} pixels",
      what, own.rows, own.columns);
}

// Those of videos and of sound, which nobody resamples.
void check_stored_positions(const std::string& what, const Grid& size, const Architecture& a) {
  if (a.medium == Medium::picture || a.position_rows == 0) return;
  const Grid own = made_for(a);
  const bool hears_all = a.medium != Medium::sound || size.columns == own.columns;
  if (hears_all && a.patches_of(size) == a.patches_of(own)) return;
  fail("{}: the model's positions are stored for one size alone; expected {}", what,
       size_text(a, own));
}

}  // namespace

void check_input_size(const std::string& what, const Grid& size, const Architecture& a) {
  if (a.stem != Stem::conv && size == made_for(a)) return;
  if (a.medium == Medium::sound) return check_stored_positions(what, size, a);
  std::string nearest;
  for (const auto& [side, patch] : {std::pair{size.frames, a.patch.frames},
                                    {size.rows, a.patch.rows},
                                    {size.columns, a.patch.columns}}) {
    const int below = side / patch * patch;
    if (below > 0 && below == side) continue;
    const std::string text =
        below == 0 ? fmt::format("; the least is {}", patch)
                   : fmt::format("; next to {} are {} and {}", side, below, below + patch);
    if (nearest.find(text) == std::string::npos) nearest += text;
  }
  if (!nearest.empty()) {
    fail("{}: expected multiples of the {}, {}{}", what,
         a.medium == Medium::video ? "tube" : "patch", grid_text(a.patch), nearest);
  }
  check_bias_grid(what, size, a);
  check_stored_positions(what, size, a);
}

Grid made_for(const Architecture& a) {
  if (!a.input_size.empty()) return a.input_size;
  if (!a.image_size.empty()) return a.image_size;
  const Grid grid = square_layout(a).grid;
  return grid.rows > 0 ? grid * a.patch : Grid(224, 224);
}

Shape input_shape(const Architecture& a, int64_t batch, const Grid& size) {
  switch (a.medium) {
    case Medium::video:
      return {batch, a.in_channels, size.frames, size.rows, size.columns};
    case Medium::sound:
      return {batch, size.rows, size.columns};
    case Medium::picture:
      break;
  }
  return {batch, a.in_channels, size.rows, size.columns};
}

InputText input_text(const Architecture& a) {
  switch (a.medium) {
    case Medium::video:
      return {"videos", fmt::format("[batch, {}, frames, height, width]", a.in_channels)};
    case Medium::sound:
      return {"spectrograms", fmt::format("[batch, frames, {}]", made_for(a).columns)};
    case Medium::picture:
      break;
  }
  return {"images", fmt::format("[batch, {}, height, width]", a.in_channels)};
}

std::string size_text(const Architecture& a, const Grid& size) {
  if (a.medium == Medium::sound)
    return fmt::format("{} frames of {} mel bins", size.rows, size.columns);
  const std::string pixels = fmt::format("{} x {} pixels", size.rows, size.columns);
  return a.medium == Medium::video ? fmt::format("{} frames of {}", size.frames, pixels) : pixels;
}

std::string grid_text(const Grid& grid) {
  const std::string frame = fmt::format("{} x {}", grid.rows, grid.columns);
  return grid.frames > 1 ? fmt::format("{} x {}", grid.frames, frame) : frame;
}

}  // namespace fovea
