// DINOv3 of transformers: rotary positions, registers.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr Rule kRules[] = {
    {"dinov3", "layer.{i}.norm1.*", "blocks.{i}.attns.0.norm.*"},
    {"dinov3", "layer.{i}.norm2.*", "blocks.{i}.ffns.0.norm.*"},
    {"dinov3", "layer.{i}.attention.q_proj.*", "blocks.{i}.attns.0.attn.q.*"},
    {"dinov3", "layer.{i}.attention.k_proj.*", "blocks.{i}.attns.0.attn.k.*"},
    {"dinov3", "layer.{i}.attention.v_proj.*", "blocks.{i}.attns.0.attn.v.*"},
    {"dinov3", "layer.{i}.attention.o_proj.*", "blocks.{i}.attns.0.attn.proj.*"},
    {"dinov3", "layer.{i}.layer_scale1.lambda1", "blocks.{i}.attns.0.ls.gamma"},
    {"dinov3", "layer.{i}.layer_scale2.lambda1", "blocks.{i}.ffns.0.ls.gamma"},
    {"dinov3", "layer.{i}.mlp.gate_proj.*", "blocks.{i}.ffns.0.mlp.fc1_g.*"},
    {"dinov3", "layer.{i}.mlp.up_proj.*", "blocks.{i}.ffns.0.mlp.fc1_x.*"},
    {"dinov3", "layer.{i}.mlp.down_proj.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"dinov3", "embeddings.patch_embeddings.weight", "patch_embed.proj.weight"},
    {"dinov3", "embeddings.patch_embeddings.bias", "patch_embed.proj.bias"},
};

constexpr std::string_view kTypes[] = {"dinov3_vit"};

constexpr std::string_view kMarks[] = {"embeddings.patch_embeddings.weight"};

constexpr std::string_view kWrappers[] = {"dinov3_vit."};

constexpr Kind kHarmless[] = {{"rope_embed", "buffers"}};

Traits traits(const Config& config) {
  return {
      .eps = 1e-5,
      .heads = config.model_type.empty() ? 0 : 6,
      .rotation = Rotation{.kind = RotationKind::dinov3, .theta = config.rope_theta.value_or(100)},
      .class_token = true};
}

}  // namespace

extern const Family kDinov3 = {
    "transformers' DINOv3", kTypes, kMarks, kRules, kWrappers, kHarmless, traits};

}  // namespace fovea
