// What a config says of a model that shapes tell too, held against them.
#include <optional>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/model/infer.h"

namespace fovea {
namespace {

// `what` of so many, or "channels".
void check_same(const Checkpoint& checkpoint, int found, const char* what,
                const std::optional<int>& said) {
  if (!said || *said == found) return;
  fail("{}: {} {} found; config.json says {}", checkpoint.file_name(), found, what, *said);
}

// MAE-ST's: a row for each frame of patches, and one for each patch of a frame.
void check_split_positions(const Checkpoint& checkpoint, const Grid& grid,
                           const std::string& said) {
  for (const auto& [name, wanted] :
       {std::pair<const char*, int64_t>{"pos_embed_temporal", grid.frames},
        {"pos_embed_spatial", grid.frame_size()}}) {
    const int rows = token_rows(checkpoint, name);
    if (rows == wanted) continue;
    fail("{}: tensor {} has {} rows; {}", checkpoint.file_name(), checkpoint.spelling(name), rows,
         said);
  }
}

// Tables of positions are made for the image size that the config names.
void check_image_size(const Checkpoint& checkpoint, const Config& config, const Architecture& a) {
  const bool is_video = a.medium == Medium::video;
  if (!config.image_size && !(is_video && config.frames)) return;
  const Grid& size = a.image_size;
  const Grid grid = a.patches_of(size);
  const std::string said = fmt::format("config.json says {}{}, which are {} patches",
                                       a.medium == Medium::picture ? "an image size of " : "",
                                       size_text(a, size), grid_text(grid));
  if (a.medium != Medium::picture && grid.empty()) {
    fail("{}: {}; expected some", checkpoint.file_name(), said);
  }
  if (a.split_positions) {
    check_split_positions(checkpoint, grid, said);
  } else if (a.position_rows > 0 && !position_prefix(a, grid)) {
    fail("{}: tensor {} has {} rows; {}, beside {} prefix token{}", checkpoint.file_name(),
         checkpoint.spelling("pos_embed"), a.position_rows, said, a.prefix(),
         a.prefix() == 1 ? "" : "s");
  }
  if (a.block.bias_rows > 0 && a.block.bias_grid != grid) {
    fail("{}: tables of relative positions are of {} x {} patches; {}", checkpoint.file_name(),
         a.block.bias_grid.rows, a.block.bias_grid.columns, said);
  }
}

void check_biases(const Checkpoint& checkpoint, const Config& config) {
  const bool found = checkpoint.has_any("blocks.0.attns.0.attn.qkv.bias");
  if (!config.qkv_bias || *config.qkv_bias == found) return;
  fail(
      "{}: {} of queries, keys and values, but config.json gives qkv_bias as {}; expected the same",
      checkpoint.file_name(), found ? "biases" : "no biases", *config.qkv_bias);
}

}  // namespace

void check_config(const Checkpoint& checkpoint, const Config& config, const Architecture& a) {
  check_same(checkpoint, a.width, "channels", config.width);
  check_same(checkpoint, a.block.mlp_width, "channels in MLPs", config.mlp_width);
  check_same(checkpoint, a.registers, "registers", config.registers);
  check_same(checkpoint, a.in_channels, "channels of pictures", config.channels);
  if (a.medium == Medium::video)
    check_same(checkpoint, a.patch.frames, "frames in tubes", config.tube);
  check_biases(checkpoint, config);
  check_image_size(checkpoint, config, a);
}

}  // namespace fovea
