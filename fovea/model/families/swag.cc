// SWAG: ViTs of torchvision with names of their own.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr Rule kRules[] = {
    {"swag", "class_token", "cls_token"},
    {"swag", "encoder.pos_embedding", "pos_embed"},
    {"swag", "conv_proj.*", "patch_embed.proj.*"},
    {"swag", "encoder.ln.*", "norm.*"},
    {"swag", "head.layers.head.*", "head.*"},
    {"swag", "encoder.layers.layer_{i}.ln_1.*", "blocks.{i}.attns.0.norm.*"},
    {"swag", "encoder.layers.layer_{i}.self_attention.in_proj_weight",
     "blocks.{i}.attns.0.attn.qkv.weight"},
    {"swag", "encoder.layers.layer_{i}.self_attention.in_proj_bias",
     "blocks.{i}.attns.0.attn.qkv.bias"},
    {"swag", "encoder.layers.layer_{i}.self_attention.out_proj.*",
     "blocks.{i}.attns.0.attn.proj.*"},
    {"swag", "encoder.layers.layer_{i}.ln_2.*", "blocks.{i}.ffns.0.norm.*"},
    {"swag", "encoder.layers.layer_{i}.mlp.linear_1.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"swag", "encoder.layers.layer_{i}.mlp.linear_2.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
};

Traits traits(const Config& /*config*/) { return {}; }

}  // namespace

extern const Family kSwag = {"SWAG", {}, {}, kRules, {}, {}, traits};

}  // namespace fovea
