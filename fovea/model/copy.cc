// A model's own names, and the configs beside it.
#include "fovea/model/copy.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/json.h"
#include "fovea/model/config_text.h"
#include "fovea/model/names.h"

namespace fovea {
namespace {

using nlohmann::json;

constexpr const char* kConfig = "config.json";
constexpr const char* kOpenClip = "open_clip_config.json";
constexpr const char* kPreprocessor = "preprocessor_config.json";

// Makes sure that a model can be read from what is written.
void check_format(const TensorToWrite& tensor, const std::string& file) {
  constexpr std::string_view kRead[] = {"F32", "F16", "BF16"};
  const bool is_read = std::ranges::find(kRead, tensor.dtype) != std::end(kRead);
  if (is_read || !canonical_name(tensor.name)) return;
  fail("{}: tensor {} is {}; expected F32, F16 or BF16{}", file, printable(tensor.name),
       tensor.dtype, tensor.dtype == "F64" ? ": --dtype f32 rounds it" : "");
}

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;  // reading it said so
  return std::filesystem::exists(path, ignored);
}

// The part of a config that is about the model's pictures.
json& tower_of(json& config) {
  const auto tower = config.find("vision_config");
  const bool is_apart = tower != config.end() && tower->is_object() && !tower->empty();
  return is_apart ? *tower : config;
}

void put_heads(json& config, const std::string& name, const Architecture& a, int heads) {
  if (name == kOpenClip) {
    json& tower = config["model_cfg"]["vision_cfg"];
    if (tower.contains("timm_model_name")) {
      tower["num_heads"] = heads;
    } else {
      tower["head_width"] = a.width / heads;
    }
    return;
  }
  json& tower = tower_of(config);
  if (tower.contains("model_type")) {
    tower["num_attention_heads"] = heads;
  } else {
    tower["model_args"]["num_heads"] = heads;
  }
}

// What transformers loads weights in, where the config says so.
void put_dtype(json& config, Storage storage) {
  const char* text = storage == Storage::f32   ? "float32"
                     : storage == Storage::f16 ? "float16"
                                               : "bfloat16";
  for (const char* key : {"dtype", "torch_dtype"}) {
    if (config.contains(key)) config[key] = text;
  }
  for (const char* part : {"vision_config", "text_config"}) {
    const auto found = config.find(part);
    if (found != config.end() && found->is_object()) put_dtype(*found, storage);
  }
}

std::string changed(const std::filesystem::path& path, const StoredModel& model, int heads,
                    std::optional<Storage> storage) {
  std::string text = read_text(path);
  json config = parse_json_object(text, path.string());
  const json before = config;
  const std::string name = path.filename();
  if (heads > 0) put_heads(config, name, model.architecture, heads);
  if (storage) put_dtype(config, *storage);
  return config == before ? text : config.dump(2) + "\n";
}

std::vector<ConfigFile> configs_of(const StoredModel& model, int heads,
                                   std::optional<Storage> storage) {
  const auto folder = std::filesystem::path(model.checkpoint.file_name()).parent_path();
  const bool has_config = is_there(folder / kConfig);
  std::vector<ConfigFile> configs;
  if (has_config) configs.push_back({kConfig, changed(folder / kConfig, model, heads, storage)});
  if (is_there(folder / kOpenClip)) {
    const int said = has_config ? 0 : heads;
    configs.push_back({kOpenClip, changed(folder / kOpenClip, model, said, storage)});
  }
  if (configs.empty()) {
    configs.push_back({kConfig, config_text_without_pictures(model.architecture, model.config)});
  }
  if (is_there(folder / kPreprocessor))
    configs.push_back({kPreprocessor, read_text(folder / kPreprocessor)});
  return configs;
}

}  // namespace

void copy_model(const std::filesystem::path& folder, const StoredModel& model, int heads,
                std::optional<Storage> storage) {
  const TensorFile& file = model.checkpoint.file();
  std::vector<TensorToWrite> tensors;
  for (const auto& [name, tensor] : file.tensors()) {
    tensors.push_back(stored_anew(tensor, name, storage, file.file_name()));
    check_format(tensors.back(), file.file_name());
  }
  std::map<std::string, std::string> metadata = file.metadata();
  metadata.try_emplace("format", "pt");  // transformers reads no file that says none
  write_model(folder, tensors, metadata, configs_of(model, heads, storage));
}

}  // namespace fovea
