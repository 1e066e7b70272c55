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
#include "fovea/model/save.h"
#include "fovea/model/tensors.h"
#include "fovea/model/weights.h"
#include "tests/paths.h"

namespace fovea {

using Shapes = std::map<std::string, Shape>;  // of tensors, by their names in a file

// A case of any collection.
inline std::filesystem::path golden(const std::string& name) {
  for (const char* collection : {"goldens", "goldens-video", "goldens-audio"}) {
    std::filesystem::path path = test_data() / collection / name;
    if (std::filesystem::exists(path)) return path;
  }
  return test_data() / "goldens-families" / name;
}

// The names of all cases with a model in a collection.
inline std::vector<std::string> golden_names(const std::string& collection = "goldens") {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(test_data() / collection)) {
    if (std::filesystem::exists(entry.path() / "runs.json"))
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

// Writes model.safetensors of such tensors, counted up from 0 in each.
inline void save_shapes(const Shapes& shapes, const std::filesystem::path& folder) {
  std::vector<Array> values;
  values.reserve(shapes.size());
  std::vector<TensorToWrite> tensors;
  for (const auto& [name, shape] : shapes) {
    Array& array = values.emplace_back(shape);
    for (size_t i = 0; i < array.data.size(); ++i) array.data[i] = static_cast<float>(i);
    tensors.push_back(to_write(name, array));
  }
  write_safetensors(folder / "model.safetensors", tensors);
}

// The same as a checkpoint. The file stays mapped after it is gone.
inline Checkpoint checkpoint_of(const Shapes& shapes) {
  const TemporaryFolder folder;
  save_shapes(shapes, folder.path());
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

// Weights as a short training might leave them: no norm or bias is as it began.
class VariedWeights : public WeightSource {
  Array values(const std::string& name, const Shape& shape, Start start) override {
    InitialWeights initial(5, 1);
    Array varied = initial.read(name, shape, start);
    const Array noise =
        initial.read("noise of " + name + "'s", shape,
                     start == Start::convolution ? Start::convolution : Start::normal);
    const float scale = shape.size() == 1 ? 10.0F : 2.0F;
    for (size_t i = 0; i < varied.data.size(); ++i) varied.data[i] += scale * noise.data[i];
    return varied;
  }
};

// Writes a model of such weights into `folder`.
inline void save_varied_model(const std::filesystem::path& folder, const Architecture& a) {
  VariedWeights source;
  save_model(folder, a, {}, read_weights(source, a));
}

// [count, 3, side, side], of values around 0.
inline Array varied_images(int64_t count, int64_t side) {
  Array images = InitialWeights(9, 1).read("images", {count * 3 * side, side});
  images.shape = {count, 3, side, side};
  for (float& value : images.data) value *= 50;
  return images;
}

// Small models for images of 16 pixels, one with each kind of stem; their names can name tests.
inline std::vector<Architecture> stem_architectures() {
  Architecture base;
  base.width = 16;
  base.depth = 2;
  base.block.heads = 2;
  base.block.mlp_width = 24;
  base.class_token = true;
  base.final_norm = true;
  base.classes = 3;
  base.image_size = base.input_size = {16, 16};
  std::vector<Architecture> all;
  const auto add = [&](const std::string& name, Stem stem, int patch,
                       std::vector<StemConvolution> convolutions) {
    Architecture& a = all.emplace_back(base);
    a.name = name;
    a.stem = stem;
    a.patch = {patch, patch};
    a.position_rows = 16 / patch * (16 / patch) + 1;
    a.convolutions = std::move(convolutions);
  };
  const std::vector<int> channels = {8, 12, 20};
  add("linear4", Stem::linear, 4, {});
  add("hmlp4", Stem::hmlp, 4, hmlp_convolutions(16, 4, ""));
  add("hmlp8", Stem::hmlp, 8, hmlp_convolutions(16, 8, ""));
  add("hmlp16", Stem::hmlp, 16, hmlp_convolutions(16, 16, ""));
  add("conv2", Stem::conv, 2, overlapping_convolutions(channels, 2, ""));
  add("conv4", Stem::conv, 4, overlapping_convolutions(channels, 4, ""));
  add("conv8", Stem::conv, 8, overlapping_convolutions(channels, 8, ""));
  return all;
}

// The same tensors under other names: every name goes through `rename`.
template <typename Rename>
Shapes renamed(const Shapes& shapes, Rename rename) {
  Shapes result;
  for (const auto& [name, shape] : shapes) result[rename(name)] = shape;
  return result;
}

}  // namespace fovea
