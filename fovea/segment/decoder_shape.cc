#include "fovea/segment/decoder_shape.h"

#include <set>
#include <string>

#include "fovea/backend/shapes/shapes.h"
#include "fovea/io/fail.h"
#include "fovea/model/infer.h"
#include "fovea/model/tensors.h"
#include "fovea/segment/segmentation.h"

namespace fovea {
namespace {

constexpr const char* kPrompts = "prompt_encoder.";
constexpr const char* kMasks = "mask_decoder.";
constexpr const char* kIouToken = "mask_decoder.iou_token.weight";
constexpr const char* kMaskTokens = "mask_decoder.mask_tokens.weight";

// How many outputs the decoder's linear layer of that name has.
int outputs(const Checkpoint& checkpoint, const char* name) {
  return extent(checkpoint, fmt::format("{}{}.weight", kMasks, name), 2, 0);
}

void infer_widths(const Checkpoint& checkpoint, DecoderShape& s) {
  s.width = extent(checkpoint, kIouToken, 2, 1);
  s.masks = extent(checkpoint, kMaskTokens, 2, 0);
  s.depth = 0;
  while (checkpoint.first_under(fmt::format("{}transformer.layers.{}.", kMasks, s.depth)))
    ++s.depth;
  s.token_width = outputs(checkpoint, "transformer.layers.0.self_attn.q_proj");
  s.picture_width = outputs(checkpoint, "transformer.layers.0.cross_attn_token_to_image.q_proj");
  s.mlp_width = outputs(checkpoint, "transformer.layers.0.mlp.lin1");
  s.iou_width = outputs(checkpoint, "iou_prediction_head.layers.0");
  s.half_channels = extent(checkpoint, "mask_decoder.output_upscaling.0.weight", 4, 1);
  s.mask_channels = extent(checkpoint, "mask_decoder.output_upscaling.3.weight", 4, 1);
  s.prompt_half_channels = extent(checkpoint, "prompt_encoder.mask_downscaling.0.weight", 4, 0);
  s.prompt_channels = extent(checkpoint, "prompt_encoder.mask_downscaling.3.weight", 4, 0);
}

// The embedding's grid, and the input's.
void infer_grid(const Checkpoint& checkpoint, const Config& config, DecoderShape& s) {
  if (checkpoint.has("pos_embed") && checkpoint.has("patch_embed.proj.weight")) {
    s.grid = {extent(checkpoint, "pos_embed", 4, 1), extent(checkpoint, "pos_embed", 4, 2)};
    s.patch = extent(checkpoint, "patch_embed.proj.weight", 4, 2);
  } else if (config.segment) {
    const Grid& cells = config.segment->cells;
    const Grid patch = config.segment->image_size / cells;
    if (patch.rows != patch.columns || cells * patch != config.segment->image_size) {
      fail(
          "{}: config.json says image_size {} x {} and image_embedding_size {} x {}; expected "
          "square patches",
          checkpoint.file_name(), config.segment->image_size.rows,
          config.segment->image_size.columns, cells.rows, cells.columns);
    }
    s.grid = cells;
    s.patch = patch.rows;
  }
}

void check_said(const Checkpoint& checkpoint, const SegmentConfig& config, const DecoderShape& s) {
  const auto check = [&](const char* key, std::optional<int> said, int found) {
    if (!said || *said == found) return;
    fail("{}: the decoder's tensors say {} of {}; config.json says {}", checkpoint.file_name(), key,
         found, *said);
  };
  check("hidden_size", config.width, s.width);
  check("num_hidden_layers", config.depth, s.depth);
  check("mlp_dim", config.mlp_width, s.mlp_width);
  check("iou_head_hidden_dim", config.iou_width, s.iou_width);
  check("mask_input_channels", config.prompt_channels, s.prompt_channels);
  if (config.masks) check("num_multimask_outputs", *config.masks - 1, s.masks - 1);
}

void check_counts(const Checkpoint& checkpoint, const DecoderShape& s) {
  for (const int width : {s.token_width, s.picture_width}) {
    if (width % s.heads == 0) continue;
    fail(
        "{}: {} channels of the decoder can't be shared out to {} heads; expected a number that "
        "divides them",
        checkpoint.file_name(), width, s.heads);
  }
  if (s.width % 2 != 0) {
    fail("{}: tensor {} has {} channels; expected an even number", checkpoint.file_name(),
         checkpoint.spelling(kIouToken), s.width);
  }
  if (s.masks < 2) {
    fail("{}: tensor {} is {}; expected a row for one mask, and more for several",
         checkpoint.file_name(), checkpoint.spelling(kMaskTokens),
         to_string(checkpoint.shape(kMaskTokens)));
  }
}

}  // namespace

bool has_decoder(const Checkpoint& checkpoint) {
  return checkpoint.first_under(kPrompts).has_value() || checkpoint.first_under(kMasks).has_value();
}

bool has_encoder(const Checkpoint& checkpoint) {
  return checkpoint.depth() > 0 || checkpoint.first_under("patch_embed.").has_value();
}

DecoderShape infer_decoder(const Checkpoint& checkpoint, const Config& config) {
  if (!has_decoder(checkpoint)) {
    fail("{}: has no mask decoder, so it can't segment; expected tensors {}* and {}*",
         checkpoint.file_name(), kPrompts, kMasks);
  }
  DecoderShape s;
  infer_widths(checkpoint, s);
  infer_grid(checkpoint, config, s);
  if (config.segment) {
    s.heads = config.segment->heads.value_or(s.heads);
    s.eps = config.segment->eps;
    s.prompt_eps = config.segment->prompt_eps;
    check_said(checkpoint, *config.segment, s);
  }
  check_counts(checkpoint, s);
  std::set<std::string> known;
  for_each_tensor(s, [&](const ListedTensor& tensor) {
    checkpoint.expect(tensor.name, tensor.shape);
    known.insert(tensor.name);
  });
  for (const char* beginning : {kPrompts, kMasks}) {
    for (const std::string& name : checkpoint.all_under(beginning)) {
      if (known.contains(name)) continue;
      fail("{}: tensor {} is not known", checkpoint.file_name(), checkpoint.spelling(name));
    }
  }
  return s;
}

void for_each_tensor(const DecoderShape& shape,
                     const std::function<void(const ListedTensor&)>& visit) {
  Shapes shapes;
  ListingWeights listing(visit);
  Segmentation<Shapes>::load(shapes, listing, shape);
}

}  // namespace fovea
