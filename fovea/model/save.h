// Writing a model that Model::load reads: tensors under the names that timm gives them, and
// config.json.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "fovea/backend/weight.h"
#include "fovea/io/replacement.h"
#include "fovea/model/architecture.h"
#include "fovea/model/config.h"

namespace fovea {

// The text of a config.json in timm's style: all that shapes of tensors can't tell, labels and
// preprocessing.
std::string config_text(const Architecture& architecture, const Config& config);

// The number format of weights in a file.
enum class Storage { f32, f16, bf16 };

// Writes values as tensors of these names, ready to take their place. Throws Error naming the file
// that can't be written, and the tensor whose values f16 can't hold.
struct NamedValues {
  std::string name;
  const Array* values;
};
Replacement prepare_weights(const std::filesystem::path& path,
                            const std::vector<NamedValues>& weights, Storage storage,
                            const std::map<std::string, std::string>& metadata = {});

// Makes `folder`, if it isn't there, and writes model.safetensors, under timm's names, and
// config.json into it, both or none of them; with them preprocessor_config.json, where timm's keys
// don't say all of how pictures become inputs, or without one, if another model has left it there.
// Weights carry canonical names. Throws Error as prepare_weights does.
void save_model(const std::filesystem::path& folder, const Architecture& architecture,
                const Config& config, const std::vector<Weight>& weights,
                Storage storage = Storage::f32);

}  // namespace fovea
