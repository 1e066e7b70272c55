// Segment Anything, in its own names and transformers'. Layers over all and windows show in the
// shapes of their tables.
#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr Rule kRules[] = {
    {"sam", "image_encoder.patch_embed.proj.*", "patch_embed.proj.*"},
    {"sam", "image_encoder.pos_embed", "pos_embed"},
    {"sam", "image_encoder.blocks.{i}.norm1.*", "blocks.{i}.attns.0.norm.*"},
    {"sam", "image_encoder.blocks.{i}.attn.*", "blocks.{i}.attns.0.attn.*"},
    {"sam", "image_encoder.blocks.{i}.norm2.*", "blocks.{i}.ffns.0.norm.*"},
    {"sam", "image_encoder.blocks.{i}.mlp.lin1.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"sam", "image_encoder.blocks.{i}.mlp.lin2.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"sam", "image_encoder.neck.*", "neck.*"},
    {"sam-hf", "vision_encoder.patch_embed.projection.*", "patch_embed.proj.*"},
    {"sam-hf", "vision_encoder.pos_embed", "pos_embed"},
    {"sam-hf", "vision_encoder.layers.{i}.layer_norm1.*", "blocks.{i}.attns.0.norm.*"},
    {"sam-hf", "vision_encoder.layers.{i}.attn.*", "blocks.{i}.attns.0.attn.*"},
    {"sam-hf", "vision_encoder.layers.{i}.layer_norm2.*", "blocks.{i}.ffns.0.norm.*"},
    {"sam-hf", "vision_encoder.layers.{i}.mlp.lin1.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"sam-hf", "vision_encoder.layers.{i}.mlp.lin2.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"sam-hf", "vision_encoder.neck.conv1.*", "neck.0.*"},
    {"sam-hf", "vision_encoder.neck.layer_norm1.*", "neck.1.*"},
    {"sam-hf", "vision_encoder.neck.conv2.*", "neck.2.*"},
    {"sam-hf", "vision_encoder.neck.layer_norm2.*", "neck.3.*"},
    {"sam", "prompt_encoder.*", "prompt_encoder.*"},
    {"sam", "mask_decoder.*", "mask_decoder.*"},
};

constexpr std::string_view kTypes[] = {"sam", "sam_vision_model"};

constexpr std::string_view kMarks[] = {"attn.rel_pos_h"};

Traits traits(const Config& /*config*/) { return {}; }

}  // namespace

extern const Family kSam = {"Segment Anything", kTypes, kMarks, kRules, {}, {}, traits};

}  // namespace fovea
