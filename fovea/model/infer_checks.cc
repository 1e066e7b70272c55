// What a config says of a model that shapes tell too, held against them.
#include <optional>

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

// Tables of positions are made for the image size that the config names.
void check_image_size(const Checkpoint& checkpoint, const Config& config, const Architecture& a) {
  if (!config.image_size) return;
  const Grid& size = *config.image_size;
  const Grid grid = size / a.patch;
  const std::string said =
      fmt::format("config.json says an image size of {} x {} pixels, which are {} x {} patches",
                  size.rows, size.columns, grid.rows, grid.columns);
  if (a.position_rows > 0 && !position_prefix(a, grid)) {
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
  check_biases(checkpoint, config);
  check_image_size(checkpoint, config, a);
}

}  // namespace fovea
