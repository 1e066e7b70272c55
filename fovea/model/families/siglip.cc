// transformers' SigLIP, its image tower; layers are named as CLIP's.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr Rule kRules[] = {
    {"siglip", "head.probe", "attn_pool.latent"},
    {"siglip", "head.attention.in_proj_weight", "attn_pool.qkv.weight"},
    {"siglip", "head.attention.in_proj_bias", "attn_pool.qkv.bias"},
    {"siglip", "head.attention.out_proj.*", "attn_pool.proj.*"},
    {"siglip", "head.layernorm.*", "attn_pool.norm.*"},
    {"siglip", "head.mlp.*", "attn_pool.mlp.*"},
};

constexpr std::string_view kTypes[] = {"siglip", "siglip_vision_model"};

constexpr std::string_view kMarks[] = {"embeddings.patch_embedding.bias", "head.probe",
                                       "head.attention.in_proj_weight"};

Traits traits(const Config& config) {
  return {.activation = Activation::gelu_tanh,
          .heads = config.model_type.empty() ? 0 : 12,
          .resampling = Resampling::plain};
}

}  // namespace

extern const Family kSiglip = {"transformers' SigLIP", kTypes, kMarks, kRules, {}, {}, traits};

}  // namespace fovea
