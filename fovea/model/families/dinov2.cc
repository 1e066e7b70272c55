// transformers' DINOv2, with and without registers, in the names of version 5 too.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr Rule kRules[] = {
    {"transformers_dinov2", "encoder.layer.{i}.norm1.*", "blocks.{i}.attns.0.norm.*"},
    {"transformers_dinov2", "encoder.layer.{i}.layer_scale1.lambda1",
     "blocks.{i}.attns.0.ls.gamma"},
    {"transformers_dinov2", "encoder.layer.{i}.norm2.*", "blocks.{i}.ffns.0.norm.*"},
    {"transformers_dinov2", "encoder.layer.{i}.mlp.fc1.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"transformers_dinov2", "encoder.layer.{i}.mlp.fc2.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"transformers_dinov2", "encoder.layer.{i}.layer_scale2.lambda1", "blocks.{i}.ffns.0.ls.gamma"},
    {"transformers_dinov2", "encoder.layer.{i}.mlp.weights_in.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"transformers_dinov2", "encoder.layer.{i}.mlp.weights_out.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"dinov2_5", "encoder.layer.{i}.attention.q_proj.*", "blocks.{i}.attns.0.attn.q.*"},
    {"dinov2_5", "encoder.layer.{i}.attention.k_proj.*", "blocks.{i}.attns.0.attn.k.*"},
    {"dinov2_5", "encoder.layer.{i}.attention.v_proj.*", "blocks.{i}.attns.0.attn.v.*"},
    {"dinov2_5", "encoder.layer.{i}.attention.o_proj.*", "blocks.{i}.attns.0.attn.proj.*"},
    {"dinov2_5", "encoder.layer.{i}.mlp.gate_proj.*", "blocks.{i}.ffns.0.mlp.fc1_g.*"},
    {"dinov2_5", "encoder.layer.{i}.mlp.up_proj.*", "blocks.{i}.ffns.0.mlp.fc1_x.*"},
    {"dinov2_5", "encoder.layer.{i}.mlp.down_proj.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"dinov2_5_layers", "layers.{i}.attention.q_proj.*", "blocks.{i}.attns.0.attn.q.*"},
    {"dinov2_5_layers", "layers.{i}.attention.k_proj.*", "blocks.{i}.attns.0.attn.k.*"},
    {"dinov2_5_layers", "layers.{i}.attention.v_proj.*", "blocks.{i}.attns.0.attn.v.*"},
    {"dinov2_5_layers", "layers.{i}.attention.o_proj.*", "blocks.{i}.attns.0.attn.proj.*"},
    {"dinov2_5_layers", "layers.{i}.norm1.*", "blocks.{i}.attns.0.norm.*"},
    {"dinov2_5_layers", "layers.{i}.norm2.*", "blocks.{i}.ffns.0.norm.*"},
    {"dinov2_5_layers", "layers.{i}.layer_scale1.lambda1", "blocks.{i}.attns.0.ls.gamma"},
    {"dinov2_5_layers", "layers.{i}.layer_scale2.lambda1", "blocks.{i}.ffns.0.ls.gamma"},
    {"dinov2_5_layers", "layers.{i}.mlp.fc1.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"dinov2_5_layers", "layers.{i}.mlp.fc2.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"dinov2_5_layers", "layers.{i}.mlp.weights_in.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"dinov2_5_layers", "layers.{i}.mlp.weights_out.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"dinov2_5_encoder", "encoder.layers.{i}.attention.q_proj.*", "blocks.{i}.attns.0.attn.q.*"},
    {"dinov2_5_encoder", "encoder.layers.{i}.attention.k_proj.*", "blocks.{i}.attns.0.attn.k.*"},
    {"dinov2_5_encoder", "encoder.layers.{i}.attention.v_proj.*", "blocks.{i}.attns.0.attn.v.*"},
    {"dinov2_5_encoder", "encoder.layers.{i}.attention.o_proj.*", "blocks.{i}.attns.0.attn.proj.*"},
    {"dinov2_5_encoder", "encoder.layers.{i}.norm1.*", "blocks.{i}.attns.0.norm.*"},
    {"dinov2_5_encoder", "encoder.layers.{i}.norm2.*", "blocks.{i}.ffns.0.norm.*"},
    {"dinov2_5_encoder", "encoder.layers.{i}.layer_scale1.lambda1", "blocks.{i}.attns.0.ls.gamma"},
    {"dinov2_5_encoder", "encoder.layers.{i}.layer_scale2.lambda1", "blocks.{i}.ffns.0.ls.gamma"},
    {"dinov2_5_encoder", "encoder.layers.{i}.mlp.fc1.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"dinov2_5_encoder", "encoder.layers.{i}.mlp.fc2.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"dinov2_5_encoder", "encoder.layers.{i}.mlp.weights_in.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"dinov2_5_encoder", "encoder.layers.{i}.mlp.weights_out.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
};

constexpr std::string_view kTypes[] = {"dinov2", "dinov2_with_registers"};

constexpr std::string_view kMarks[] = {"layer_scale1.lambda1", "embeddings.register_tokens"};

constexpr std::string_view kWrappers[] = {"dinov2_with_registers.", "dinov2."};

Traits traits(const Config& config) {
  const bool registers = config.model_type == "dinov2_with_registers";
  return {.heads = config.model_type.empty() ? 0 : 12,
          .resampling = registers ? Resampling::antialiased : Resampling::plain,
          .class_token = true};
}

}  // namespace

extern const Family kDinov2 = {
    "transformers' DINOv2", kTypes, kMarks, kRules, kWrappers, {}, traits};

}  // namespace fovea
