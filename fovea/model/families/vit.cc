// transformers' ViT, DeiT, ViT-MAE and ViT-MSN, in the names of version 5 too.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr Rule kRules[] = {
    {"transformers", "embeddings.cls_token", "cls_token"},
    {"transformers", "embeddings.distillation_token", "dist_token"},
    {"transformers", "embeddings.register_tokens", "reg_token"},
    {"transformers", "embeddings.position_embeddings", "pos_embed"},
    {"transformers", "embeddings.patch_embeddings.projection.*", "patch_embed.proj.*"},
    {"transformers", "layernorm.*", "norm.*"},
    {"transformers_head", "classifier.*", "head.*"},
    {"transformers_deit", "cls_classifier.*", "head.*"},
    {"transformers_deit", "distillation_classifier.*", "head_dist.*"},
    {"transformers_vit", "encoder.layer.{i}.layernorm_before.*", "blocks.{i}.attns.0.norm.*"},
    {"transformers", "encoder.layer.{i}.attention.attention.query.*",
     "blocks.{i}.attns.0.attn.q.*"},
    {"transformers", "encoder.layer.{i}.attention.attention.key.*", "blocks.{i}.attns.0.attn.k.*"},
    {"transformers", "encoder.layer.{i}.attention.attention.value.*",
     "blocks.{i}.attns.0.attn.v.*"},
    {"transformers", "encoder.layer.{i}.attention.output.dense.*",
     "blocks.{i}.attns.0.attn.proj.*"},
    {"transformers_vit", "encoder.layer.{i}.layernorm_after.*", "blocks.{i}.ffns.0.norm.*"},
    {"transformers_vit", "encoder.layer.{i}.intermediate.dense.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"transformers_vit", "encoder.layer.{i}.output.dense.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"vit5", "layers.{i}.attention.q_proj.*", "blocks.{i}.attns.0.attn.q.*"},
    {"vit5", "layers.{i}.attention.k_proj.*", "blocks.{i}.attns.0.attn.k.*"},
    {"vit5", "layers.{i}.attention.v_proj.*", "blocks.{i}.attns.0.attn.v.*"},
    {"vit5", "layers.{i}.attention.o_proj.*", "blocks.{i}.attns.0.attn.proj.*"},
    {"vit5", "layers.{i}.layernorm_before.*", "blocks.{i}.attns.0.norm.*"},
    {"vit5", "layers.{i}.layernorm_after.*", "blocks.{i}.ffns.0.norm.*"},
    {"vit5", "layers.{i}.mlp.fc1.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"vit5", "layers.{i}.mlp.fc2.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
};

constexpr std::string_view kTypes[] = {"vit", "deit", "vit_mae", "vit_msn", "ijepa"};

constexpr std::string_view kMarks[] = {"layernorm_before", "embeddings.patch_embeddings.projection",
                                       "distillation_classifier"};

constexpr std::string_view kWrappers[] = {"vit.", "deit."};

constexpr Kind kHarmless[] = {{"pooler.dense", "a pooler that no output here passes through"},
                              {"embeddings.position_ids", "buffers"}};

// vit, deit, vit_mae: 1e-12 where their config is silent; vit_msn has another default.
Traits traits(const Config& config) {
  return {.eps = config.model_type == "vit_msn" ? 1e-6 : 1e-12,
          .heads = config.model_type.empty() ? 0 : 12,
          .resampling = Resampling::plain};
}

}  // namespace

extern const Family kVit = {"transformers' ViT", kTypes,    kMarks, kRules,
                            kWrappers,           kHarmless, traits};

}  // namespace fovea
