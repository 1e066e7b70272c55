#include "fovea/model/look.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

// A tensor's name that holds all of these parts tells a family.
struct Look {
  std::string_view what;
  std::array<std::string_view, 2> parts;
};

// Adapters and whole systems first: they have the parts of others in them.
constexpr Look kLooks[] = {
    {"an adapter (LoRA), which holds only what was changed of a model", {"lora_", ""}},
    {"an adapter (IA3), which holds only what was changed of a model", {"ia3_", ""}},
    {"a diffusion model", {"diffusion_model.", ""}},
    {"a diffusion model", {"down_blocks.", "resnets."}},
    {"a Swin Transformer", {"relative_position_bias_table", ".blocks."}},
    {"a Swin Transformer", {"relative_position_bias_table", "features."}},
    {"a Swin Transformer", {"cpb_mlp.", ""}},
    {"a Swin Transformer", {"continuous_position_bias_mlp.", ""}},
    {"a ConvNeXt", {"stages.", "dwconv"}},
    {"a ConvNeXt", {"stages.", "conv_dw"}},
    {"a ConvNeXt", {"stages.", ".depthwise_conv"}},
    {"a ResNet", {"layer1.0.conv1.", ""}},
    {"a ResNet", {"resnet.", "convolution."}},
    {"a ResNet", {"encoder.stages.", "shortcut."}},
    {"an EfficientNet or a MobileNet", {"conv_stem.", ""}},
    {"a DETR", {"bbox_", "layers."}},
    {"a text model", {"word_embeddings.", ""}},
    {"a text model", {"embed_tokens.", ""}},
    {"a text model", {"tok_embeddings.", ""}},
    {"a text model", {"token_embedding", ""}},
    {"a text model", {"wte.", ""}},
    {"a text model", {"lm_head.", ""}},
};

bool fits(const Look& look, std::string_view name) {
  return std::ranges::all_of(look.parts, [name](std::string_view part) {
    return name.find(part) != std::string_view::npos;
  });
}

std::string_view look_of(const std::vector<std::string>& names) {
  for (const Look& look : kLooks) {
    if (std::ranges::any_of(names, [&](const std::string& name) { return fits(look, name); }))
      return look.what;
  }
  return "";
}

}  // namespace

void check_look(const Checkpoint& checkpoint) {
  if (checkpoint.depth() > 0 && checkpoint.first_under("patch_embed.proj.")) return;
  std::vector<std::string> names;
  for (const auto& [_, tensor] : checkpoint.file().tensors()) names.push_back(tensor.name);
  const std::string_view look = look_of(names);
  if (!look.empty()) {
    fail("{}: its tensors look like those of {}; expected a Vision Transformer",
         checkpoint.file_name(), look);
  }
  if (checkpoint.depth() > 0) return;  // what it lacks is named by who looks for it
  constexpr size_t kSome = 3;
  std::string some;
  for (size_t i = 0; i < std::min(kSome, names.size()); ++i)
    some += (i == 0 ? "" : ", ") + printable(names[i]);
  fail("{}: no transformer blocks found under any known name; its {} tensors are {}{}",
       checkpoint.file_name(), names.size(), names.empty() ? "none" : some,
       names.size() > kSome ? ", ..." : "");
}

}  // namespace fovea
