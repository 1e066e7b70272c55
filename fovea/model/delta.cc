#include "fovea/model/delta.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fovea/io/fail.h"
#include "fovea/model/weights.h"

namespace fovea {
namespace {

// Whether the base, read with these weights' shape, holds something else.
bool is_changed(const Checkpoint& base, const Weight& weight) {
  const std::string first = base.parts(weight.name, 1).front().name;
  if (!base.has(first)) return true;
  const bool is_head = weight.name.starts_with("head");
  if (is_head && base.shape(first) != weight.values.shape) return true;
  return CheckpointWeights(base).read(weight.name, weight.values.shape).data != weight.values.data;
}

// Tells models apart by the beginnings of their tensors: training changes those of all that it
// changes, and reading more would take as long as loading.
std::string fingerprint(const TensorFile& model) {
  constexpr size_t kBytes = 256;
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  const auto take = [&](const auto& bytes) {
    for (const auto byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  };
  for (const auto& [name, tensor] : model.tensors()) {
    take(name);
    take(tensor.dtype);
    take(tensor.bytes.first(std::min(kBytes, tensor.bytes.size())));
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace

void check_base(const TensorFile& delta, const TensorFile& model) {
  const auto found = delta.metadata().find("base");
  if (found == delta.metadata().end() || found->second == fingerprint(model)) return;
  fail("{}: was made of another model than {}; expected that of {}", delta.file_name(),
       model.file_name(), printable(found->second));
}

bool is_delta(const TensorFile& file) {
  const auto found = file.metadata().find("fovea");
  return found != file.metadata().end() && found->second == "delta";
}

void save_delta(const Checkpoint& base, const std::vector<Weight>& weights, const Config& config,
                const std::filesystem::path& path, Storage storage) {
  std::vector<NamedValues> changed;
  for (const Weight& weight : weights) {
    if (is_changed(base, weight)) changed.push_back({weight.name, &weight.values});
  }
  std::map<std::string, std::string> metadata = {{"fovea", "delta"},
                                                 {"base", fingerprint(base.file())}};
  if (!config.labels.empty()) metadata["label_names"] = nlohmann::json(config.labels).dump();
  if (config.input_size)
    metadata["input_size"] =
        nlohmann::json{config.input_size->rows, config.input_size->columns}.dump();
  prepare_weights(path, changed, storage, metadata).take_place();
}

void overlay_config(const TensorFile& delta, Config& config) {
  std::string text = R"({"architecture": "")";
  for (const char* key : {"label_names", "input_size"}) {
    const auto found = delta.metadata().find(key);
    if (found != delta.metadata().end()) text += fmt::format(R"(, "{}": {})", key, found->second);
  }
  const Config said = parse_config(text + "}", delta.file_name());
  // Labels of the base are not those of a new head, which is trained for one class a picture.
  if (!said.labels.empty() || delta.tensors().contains("head.weight")) {
    config.labels = said.labels;
    config.problem_type = ProblemType::single_label;
  }
  if (said.input_size) config.input_size = said.input_size;
}

}  // namespace fovea
