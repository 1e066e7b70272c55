#include "fovea/model/config_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

using nlohmann::ordered_json;

ordered_json pair_of(const Grid& size) { return {size.rows, size.columns}; }

// Where timm's table of architectures says otherwise.
void add_pool_arguments(const Architecture& a, ordered_json& args) {
  Config named;
  named.architecture = a.name;
  const Traits told = kTimm.traits(named);
  const AttentionPool& pool = *a.attention_pool;
  if (pool.heads != (told.pool_heads > 0 ? told.pool_heads : a.block.heads))
    args["attn_pool_num_heads"] = pool.heads;
  if (pool.with_prefix != told.pools_prefix) args["pool_include_prefix"] = pool.with_prefix;
}

ordered_json arguments_of(const Architecture& a) {
  ordered_json args;
  args["num_heads"] = a.block.heads;
  if (!a.image_size.empty()) args["img_size"] = pair_of(a.image_size);
  if (a.medium == Medium::video) args["num_frames"] = a.image_size.frames;
  // AST's patches overlap where nothing is said.
  if (!a.stride.empty() || a.frequency_first) args["stride"] = pair_of(a.step());
  if (a.fc_norm_eps) args["fc_norm_eps"] = *a.fc_norm_eps;
  if (a.stem == Stem::conv) args["patch_size"] = a.patch.rows;
  if (a.position_rows == 0) args["pos_embed"] = "none";
  if (a.block.post_norm) args["use_post_norm"] = true;
  if (!a.final_norm) args["final_norm"] = false;
  if (a.resampling == Resampling::plain) args["pos_resampling"] = "plain";
  if (a.attention_pool) add_pool_arguments(a, args);
  if (!a.block.gated && a.block.activation != Activation::gelu)
    args["act_layer"] = to_string(a.block.activation);
  if (a.routing) {
    if (a.routing->little_every > 0) {
      args["little_num_heads"] = a.routing->little_heads;
      args["little_every"] = a.routing->little_every;
    }
    args["first_big"] = a.routing->first_big;
    args["predict_after"] = a.routing->predict_after;
    args["keep_ratio"] = a.routing->keep_ratio;
    if (!a.routing->learned) args["learned_routing"] = false;
    if (!a.routing->cross_attention) args["cross_attention"] = false;
  }
  return args;
}

// In transformers' keys, which alone can say it.
void add_segment(const SegmentConfig& segment, ordered_json& top) {
  top["prompt_encoder_config"] = {{"layer_norm_eps", segment.prompt_eps}};
  ordered_json& masks = top["mask_decoder_config"] = {{"layer_norm_eps", segment.eps}};
  if (segment.heads) masks["num_attention_heads"] = *segment.heads;
}

ordered_json preprocessing_of(const Architecture& a, const Config& config) {
  const Preprocessing& p = config.preprocessing;
  ordered_json cfg;
  if (!a.input_size.empty())
    cfg["input_size"] = {a.in_channels, a.input_size.rows, a.input_size.columns};
  cfg["mean"] = p.mean;
  cfg["std"] = p.std;
  cfg["interpolation"] = p.interpolation == Interpolation::bicubic ? "bicubic" : "bilinear";
  cfg["crop_pct"] = p.crop_pct;
  cfg["crop_mode"] = p.fit == Fit::squash ? "squash" : "center";
  if (config.frame_stride) cfg["frame_stride"] = *config.frame_stride;
  return cfg;
}

// Whether timm's keys say all of it.
bool is_timms(const Preprocessing& p) {
  return (p.fit == Fit::cover || p.fit == Fit::squash) && !p.crop_down && p.full_scale == 255;
}

ordered_json sides(int height, int width) { return {{"height", height}, {"width", width}}; }

// Resizing, and cropping or padding.
ordered_json sizes_of(const Architecture& a, const Preprocessing& p) {
  const Grid size = made_for(a);
  const int height = size.rows;
  const int width = size.columns;
  const int edge = resized_side(std::max(height, width), p.crop_pct);
  ordered_json top;
  if (p.fit == Fit::corner) {
    top["image_processor_type"] = "SamImageProcessor";
    top["do_resize"] = true;
    top["size"] = {{"longest_edge", edge}};
    top["do_pad"] = true;
    top["pad_size"] = sides(height, width);
    return top;
  }
  const bool squash = p.fit == Fit::squash;
  top["image_processor_type"] = squash ? "DeiTImageProcessor" : "BitImageProcessor";
  top["do_resize"] = p.fit != Fit::crop && p.fit != Fit::exact;
  top["size"] = squash ? sides(resized_side(height, p.crop_pct), resized_side(width, p.crop_pct))
                       : ordered_json{{"shortest_edge", edge}};
  top["do_center_crop"] = p.fit != Fit::exact;
  top["crop_size"] = sides(height, width);
  return top;
}

ordered_json preprocessor_of(const Architecture& a, const Preprocessing& p) {
  ordered_json top = sizes_of(a, p);
  top["resample"] = p.interpolation == Interpolation::bicubic ? 3 : 2;
  top["do_rescale"] = true;
  top["rescale_factor"] = 1.0 / p.full_scale;
  top["do_normalize"] = true;
  top["image_mean"] = p.mean;
  top["image_std"] = p.std;
  return top;
}

// As ASTFeatureExtractor keeps it.
ordered_json preprocessor_of(const SoundPreprocessing& sound) {
  return {{"feature_extractor_type", "ASTFeatureExtractor"},
          {"sampling_rate", sound.rate},
          {"num_mel_bins", sound.filters},
          {"max_length", sound.frames},
          {"do_normalize", true},
          {"mean", sound.mean},
          {"std", sound.std}};
}

ordered_json told_of(const Architecture& architecture, const Config& config, bool with_pictures) {
  ordered_json top;
  if (!architecture.name.empty()) top["architecture"] = architecture.name;
  top["num_classes"] = architecture.classes;
  top["global_pool"] = to_string(architecture.pooling);
  top["layer_norm_eps"] = architecture.block.eps;
  top["model_args"] = arguments_of(architecture);
  if (with_pictures && architecture.medium != Medium::sound)
    top["pretrained_cfg"] = preprocessing_of(architecture, config);
  if (config.segment) add_segment(*config.segment, top);
  if (!config.labels.empty()) top["label_names"] = config.labels;
  if (!config.label_descriptions.empty()) top["label_descriptions"] = config.label_descriptions;
  if (config.problem_type == ProblemType::multi_label) {
    top["problem_type"] = "multi_label_classification";
  } else if (config.problem_type == ProblemType::regression) {
    top["problem_type"] = "regression";
  }
  return top;
}

std::string text_of(const ordered_json& value) { return value.dump(1) + "\n"; }

}  // namespace

std::string config_text(const Architecture& architecture, const Config& config) {
  return text_of(told_of(architecture, config, true));
}

std::string config_text_without_pictures(const Architecture& architecture, const Config& config) {
  return text_of(told_of(architecture, config, false));
}

std::optional<std::string> preprocessor_text(const Architecture& architecture,
                                             const Config& config) {
  if (architecture.medium == Medium::sound) {
    if (config.sound.assumed) return std::nullopt;
    return text_of(preprocessor_of(config.sound));
  }
  if (is_timms(config.preprocessing)) return std::nullopt;
  return text_of(preprocessor_of(architecture, config.preprocessing));
}

}  // namespace fovea
