// Writing a model that Model::load, and timm, read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/backend/weight.h"
#include "fovea/model/architecture.h"
#include "fovea/model/config.h"

namespace fovea {

// The text of a config.json in timm's style: all that shapes of tensors can't tell, labels and
// preprocessing.
std::string config_text(const Architecture& architecture, const Config& config);

// Makes `folder`, if it isn't there, and writes model.safetensors, in single precision under timm's
// names, and config.json into it, each atomically. Weights carry canonical names. Throws Error
// naming the file that can't be written.
void save_model(const std::filesystem::path& folder, const Architecture& architecture,
                const Config& config, const std::vector<Weight>& weights);

}  // namespace fovea
