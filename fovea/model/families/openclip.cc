// OpenAI's CLIP and open_clip's, their image towers.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr Rule kRules[] = {
    {"openclip", "visual.conv1.*", "patch_embed.proj.*"},
    {"openclip", "visual.class_embedding", "cls_token"},
    {"openclip", "visual.positional_embedding", "pos_embed"},
    {"openclip", "visual.ln_pre.*", "norm_pre.*"},
    {"openclip", "visual.ln_post.*", "norm.*"},
    {"openclip", "visual.proj", "projection.weight", true},
    {"openclip", "visual.transformer.resblocks.{i}.ln_1.*", "blocks.{i}.attns.0.norm.*"},
    {"openclip", "visual.transformer.resblocks.{i}.attn.in_proj_weight",
     "blocks.{i}.attns.0.attn.qkv.weight"},
    {"openclip", "visual.transformer.resblocks.{i}.attn.in_proj_bias",
     "blocks.{i}.attns.0.attn.qkv.bias"},
    {"openclip", "visual.transformer.resblocks.{i}.attn.out_proj.*",
     "blocks.{i}.attns.0.attn.proj.*"},
    {"openclip", "visual.transformer.resblocks.{i}.ln_2.*", "blocks.{i}.ffns.0.norm.*"},
    {"openclip", "visual.transformer.resblocks.{i}.mlp.c_fc.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"openclip", "visual.transformer.resblocks.{i}.mlp.c_proj.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"openclip", "visual.transformer.resblocks.{i}.ls_1.gamma", "blocks.{i}.attns.0.ls.gamma"},
    {"openclip", "visual.transformer.resblocks.{i}.ls_2.gamma", "blocks.{i}.ffns.0.ls.gamma"},
};

constexpr std::string_view kMarks[] = {"visual.conv1", "visual.transformer.resblocks"};

constexpr std::string_view kWrappers[] = {"visual.trunk."};

constexpr Kind kHarmless[] = {{"positional_embedding", "a text tower"},
                              {"token_embedding.", "a text tower"},
                              {"transformer.resblocks.", "a text tower"},
                              {"ln_final.", "a text tower"},
                              {"text_projection", "a text tower"},
                              {"text.", "a text tower"},
                              {"attn_mask", "a text tower"},
                              {"input_resolution", "numbers of OpenAI's own"},
                              {"context_length", "numbers of OpenAI's own"},
                              {"vocab_size", "numbers of OpenAI's own"}};

Traits traits(const Config& config) {
  // A file of OpenAI's has no config; open_clip's say where they need the other GELU.
  return {.eps = 1e-5,
          .activation = config.is_open_clip ? Activation::gelu : Activation::quick_gelu};
}

}  // namespace

extern const Family kOpenClip = {
    "OpenAI and open_clip", {}, kMarks, kRules, kWrappers, kHarmless, traits};

}  // namespace fovea
