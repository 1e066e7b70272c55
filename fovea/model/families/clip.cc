// transformers' CLIP, its image tower.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr Rule kRules[] = {
    {"clip", "embeddings.class_embedding", "cls_token"},
    {"clip", "embeddings.position_embedding.weight", "pos_embed"},
    {"clip", "embeddings.patch_embedding.weight", "patch_embed.proj.weight"},
    {"clip", "embeddings.patch_embedding.bias", "patch_embed.proj.bias"},
    {"clip", "pre_layrnorm.*", "norm_pre.*"},
    {"clip", "post_layernorm.*", "norm.*"},
    {"clip", "visual_projection.weight", "projection.weight"},
    {"clip", "encoder.layers.{i}.layer_norm1.*", "blocks.{i}.attns.0.norm.*"},
    {"clip", "encoder.layers.{i}.layer_norm2.*", "blocks.{i}.ffns.0.norm.*"},
    {"clip", "encoder.layers.{i}.self_attn.q_proj.*", "blocks.{i}.attns.0.attn.q.*"},
    {"clip", "encoder.layers.{i}.self_attn.k_proj.*", "blocks.{i}.attns.0.attn.k.*"},
    {"clip", "encoder.layers.{i}.self_attn.v_proj.*", "blocks.{i}.attns.0.attn.v.*"},
    {"clip", "encoder.layers.{i}.self_attn.out_proj.*", "blocks.{i}.attns.0.attn.proj.*"},
    {"clip", "encoder.layers.{i}.mlp.fc1.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"clip", "encoder.layers.{i}.mlp.fc2.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
};

constexpr std::string_view kTypes[] = {"clip", "clip_vision_model", "metaclip_2",
                                       "metaclip_2_vision_model"};

constexpr std::string_view kMarks[] = {"pre_layrnorm", "embeddings.class_embedding",
                                       "visual_projection"};

constexpr std::string_view kWrappers[] = {"clip.", "vision_model."};

constexpr Kind kHarmless[] = {{"text_model.", "a text tower"}, {"text_projection", "a text tower"}};

Traits traits(const Config& config) {
  return {.eps = 1e-5,
          .activation = Activation::quick_gelu,
          .heads = config.model_type.empty() ? 0 : 12,
          .resampling = Resampling::plain};
}

}  // namespace

extern const Family kClip = {
    "transformers' CLIP", kTypes, kMarks, kRules, kWrappers, kHarmless, traits};

}  // namespace fovea
