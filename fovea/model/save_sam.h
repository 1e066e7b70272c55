// Writing a Segment Anything under its own names.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/backend/weight.h"

namespace fovea {

// What SAM's own files call a tensor of a canonical name (families/sam.cc).
std::string sam_spelling(const std::string& canonical);

// Makes `folder`, if it isn't there, and writes model.safetensors into it: shapes tell all else.
// Weights, of encoder and decoder, carry canonical names. Throws Error as prepare_weights does.
void save_sam(const std::filesystem::path& folder, const std::vector<Weight>& weights);

}  // namespace fovea
