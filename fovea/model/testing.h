// Helpers for the tests of models: the tensors of a golden, changed, as a checkpoint.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "fovea/io/safetensors.h"
#include "fovea/io/testing.h"
#include "fovea/model/architecture.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/config.h"

namespace fovea {

using Shapes = std::map<std::string, Shape>;  // of tensors, by their names in a file

inline std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(FOVEA_TEST_DATA) / "goldens" / name;
}

// The names of all goldens.
inline std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(golden(""))) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline Shapes shapes_of(const std::string& golden_name) {
  Shapes shapes;
  const SafeTensors file = SafeTensors::open(golden(golden_name) / "model.safetensors");
  for (const auto& [name, tensor] : file.tensors()) shapes[name] = tensor.shape;
  return shapes;
}

// A checkpoint of such tensors, counted up from 0 in each. The file stays mapped after it is gone.
inline Checkpoint checkpoint_of(const Shapes& shapes) {
  const TemporaryFolder folder;
  std::vector<Array> values;
  values.reserve(shapes.size());
  std::vector<TensorToWrite> tensors;
  for (const auto& [name, shape] : shapes) {
    Array& array = values.emplace_back(shape);
    for (size_t i = 0; i < array.data.size(); ++i) array.data[i] = static_cast<float>(i);
    tensors.push_back(to_write(name, array));
  }
  write_safetensors(folder / "model.safetensors", tensors);
  return Checkpoint::open(folder.path());
}

inline Config config_of(const std::string& model) { return read_config(golden(model)); }

// What is inferred of a golden, or of tensors of such shapes.
inline Architecture infer(const std::string& model) {
  return infer_architecture(Checkpoint::open(golden(model)), config_of(model));
}
inline Architecture infer(const Shapes& shapes, const Config& config) {
  return infer_architecture(checkpoint_of(shapes), config);
}

// The same tensors under other names: every name goes through `rename`.
template <typename Rename>
Shapes renamed(const Shapes& shapes, Rename rename) {
  Shapes result;
  for (const auto& [name, shape] : shapes) result[rename(name)] = shape;
  return result;
}

}  // namespace fovea
