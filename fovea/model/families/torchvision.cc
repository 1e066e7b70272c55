// torchvision's ViT, in the names of today and those of its first releases.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr Rule kRules[] = {
    {"torchvision", "class_token", "cls_token"},
    {"torchvision", "encoder.pos_embedding", "pos_embed"},
    {"torchvision", "conv_proj.*", "patch_embed.proj.*"},
    {"torchvision", "encoder.ln.*", "norm.*"},
    {"torchvision", "heads.head.*", "head.*"},
    {"torchvision", "encoder.layers.encoder_layer_{i}.ln_1.*", "blocks.{i}.attns.0.norm.*"},
    {"torchvision", "encoder.layers.encoder_layer_{i}.self_attention.in_proj_weight",
     "blocks.{i}.attns.0.attn.qkv.weight"},
    {"torchvision", "encoder.layers.encoder_layer_{i}.self_attention.in_proj_bias",
     "blocks.{i}.attns.0.attn.qkv.bias"},
    {"torchvision", "encoder.layers.encoder_layer_{i}.self_attention.out_proj.*",
     "blocks.{i}.attns.0.attn.proj.*"},
    {"torchvision", "encoder.layers.encoder_layer_{i}.ln_2.*", "blocks.{i}.ffns.0.norm.*"},
    {"torchvision_numbered", "encoder.layers.encoder_layer_{i}.mlp.0.*",
     "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"torchvision_numbered", "encoder.layers.encoder_layer_{i}.mlp.3.*",
     "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"torchvision_linear", "encoder.layers.encoder_layer_{i}.mlp.linear_1.*",
     "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"torchvision_linear", "encoder.layers.encoder_layer_{i}.mlp.linear_2.*",
     "blocks.{i}.ffns.0.mlp.fc2.*"},
};

Traits traits(const Config& /*config*/) { return {}; }

}  // namespace

extern const Family kTorchvision = {"torchvision", {}, {}, kRules, {}, {}, traits};

}  // namespace fovea
