#include "fovea/model/save_sam.h"

#include <string_view>
#include <utility>

#include "fovea/model/save.h"

namespace fovea {
namespace {

constexpr std::pair<std::string_view, std::string_view> kParts[] = {
    {".attns.0.norm.", ".norm1."},
    {".attns.0.attn.", ".attn."},
    {".ffns.0.norm.", ".norm2."},
    {".ffns.0.mlp.fc1.", ".mlp.lin1."},
    {".ffns.0.mlp.fc2.", ".mlp.lin2."}};

}  // namespace

std::string sam_spelling(const std::string& canonical) {
  if (canonical.starts_with("prompt_encoder.") || canonical.starts_with("mask_decoder.")) {
    return canonical;
  }
  std::string name = "image_encoder." + canonical;
  for (const auto& [part, own] : kParts) {
    if (const size_t at = name.find(part); at != std::string::npos) {
      name.replace(at, part.size(), own);
    }
  }
  return name;
}

void save_sam(const std::filesystem::path& folder, const Architecture& architecture,
              const Config& config, const std::vector<Weight>& weights) {
  std::vector<TensorToWrite> tensors;
  for (const Weight& weight : weights) {
    tensors.push_back(to_write(sam_spelling(weight.name), weight.values));
  }
  write_model(folder, tensors, {}, timm_configs(architecture, config, false));
}

}  // namespace fovea
