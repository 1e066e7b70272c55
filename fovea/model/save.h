// Writing a model that Model::load reads: its tensors, and the configs beside them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "fovea/backend/weight.h"
#include "fovea/io/replacement.h"
#include "fovea/io/safetensors.h"
#include "fovea/model/architecture.h"
#include "fovea/model/config.h"
#include "fovea/model/storage.h"

namespace fovea {

// Tensors of such values, which must outlive it, ready to take their place. Throws Error naming the
// file that can't be written, and the tensor whose values f16 can't hold.
struct NamedValues {
  std::string name;
  const Array* values;
};
Replacement prepare_weights(const std::filesystem::path& path,
                            const std::vector<NamedValues>& weights, Storage storage,
                            const std::map<std::string, std::string>& metadata = {});

// A config as it is to lie beside a model: "config.json", and what it holds.
struct ConfigFile {
  std::string name;
  std::string text;
};

// Those of a model under timm's names: config.json, and where timm's keys don't say all of how
// pictures become inputs, preprocessor_config.json. with_pictures: whether config.json says how.
std::vector<ConfigFile> timm_configs(const Architecture& architecture, const Config& config,
                                     bool with_pictures);

// Makes `folder`, if it isn't there, and writes model.safetensors and the configs into it, all or
// none of them. Configs of other names that read_config would read, of a model that was there
// before, go. Throws Error as prepare_weights does.
void write_model(const std::filesystem::path& folder, const std::vector<TensorToWrite>& tensors,
                 const std::map<std::string, std::string>& metadata,
                 const std::vector<ConfigFile>& configs);

// Writes a model under timm's names, with a config.json; with it preprocessor_config.json, where
// timm's keys don't say all of how pictures become inputs. Weights carry canonical names. Throws
// Error as prepare_weights does.
void save_model(const std::filesystem::path& folder, const Architecture& architecture,
                const Config& config, const std::vector<Weight>& weights,
                Storage storage = Storage::f32);

}  // namespace fovea
