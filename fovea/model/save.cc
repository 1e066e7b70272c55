#include "fovea/model/save.h"

#include <algorithm>
#include <list>
#include <optional>
#include <system_error>

#include "fovea/io/fail.h"
#include "fovea/model/config_text.h"
#include "fovea/model/timm_spelling.h"

namespace fovea {
namespace {

std::vector<TensorToWrite> to_write(const std::vector<NamedValues>& weights, Storage storage,
                                    const std::string& file) {
  std::vector<TensorToWrite> tensors;
  for (const auto& [name, values] : weights) {
    tensors.push_back(
        storage == Storage::f32
            ? to_write(name, *values)
            : stored_as(
                  storage, name, values->shape, [values = values] { return values->data; }, file));
  }
  return tensors;
}

}  // namespace

Replacement prepare_weights(const std::filesystem::path& path,
                            const std::vector<NamedValues>& weights, Storage storage,
                            const std::map<std::string, std::string>& metadata) {
  return prepare_safetensors(path, to_write(weights, storage, path.string()), metadata);
}

std::vector<ConfigFile> timm_configs(const Architecture& architecture, const Config& config,
                                     bool with_pictures) {
  std::vector<ConfigFile> configs = {
      {"config.json", with_pictures ? config_text(architecture, config)
                                    : config_text_without_pictures(architecture, config)}};
  if (const auto text = preprocessor_text(architecture, config))
    configs.push_back({"preprocessor_config.json", *text});
  return configs;
}

void write_model(const std::filesystem::path& folder, const std::vector<TensorToWrite>& tensors,
                 const std::map<std::string, std::string>& metadata,
                 const std::vector<ConfigFile>& configs) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail("{}: cannot be made: {}", folder.string(), error.message());
  std::list<Replacement> files;
  files.push_back(prepare_safetensors(folder / "model.safetensors", tensors, metadata));
  for (const ConfigFile& config : configs) {
    files.emplace_back(folder / config.name, [&](std::ostream& out) { out << config.text; });
  }
  std::vector<Replacement*> all;
  for (Replacement& file : files) all.push_back(&file);
  Replacement::take_places(all);
  for (const char* name : kConfigNames) {
    // Another model's, which would be laid over what was written.
    if (std::ranges::find(configs, name, &ConfigFile::name) == configs.end())
      std::filesystem::remove(folder / name, error);
  }
}

void save_model(const std::filesystem::path& folder, const Architecture& architecture,
                const Config& config, const std::vector<Weight>& weights, Storage storage) {
  const Architecture to = said_by_timm(architecture, folder.string());
  std::vector<TensorToWrite> tensors;
  for (const Weight& weight : weights) {
    const Array& values = weight.values;
    const auto read = [&values] { return values.data; };
    for (const TimmTensor& tensor : timm_tensors(weight.name, values.shape, to, true)) {
      tensors.push_back(stored_as(storage, tensor.name, tensor.shape,
                                  rows_of(tensor, values.shape, read), folder.string()));
    }
  }
  write_model(folder, tensors, {}, timm_configs(to, config, true));
}

}  // namespace fovea
