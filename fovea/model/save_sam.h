// Writing a Segment Anything under its own names.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/backend/weight.h"
#include "fovea/model/architecture.h"
#include "fovea/model/config.h"

namespace fovea {

// What SAM's own files call a tensor of a canonical name (families/sam.cc).
std::string sam_spelling(const std::string& canonical);

// Makes `folder`, if it isn't there, and writes model.safetensors into it, and beside it
// config.json and preprocessor_config.json, for what shapes don't tell. Weights, of encoder and
// decoder, carry canonical names. Throws Error as write_model does.
void save_sam(const std::filesystem::path& folder, const Architecture& architecture,
              const Config& config, const std::vector<Weight>& weights);

}  // namespace fovea
