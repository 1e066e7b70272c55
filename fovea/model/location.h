// Where the files of a model lie: a folder or file, what is in it, and a delta behind a +.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace fovea {

struct ModelPath {
  std::filesystem::path base;
  std::optional<std::filesystem::path> delta;
};

// The parts of MODEL+DELTA.safetensors. A path that is there as a whole is a model, + or not; a
// name of the Hugging Face hub (see hub.h) whose model is in its cache becomes the folder there.
// Throws Error where nothing stands behind the +.
ModelPath split_delta(const std::filesystem::path& path);

// The file with a model's tensors: `base` itself, or of a folder model.safetensors,
// model.safetensors.index.json, open_clip_model.safetensors, pytorch_model.bin,
// pytorch_model.bin.index.json, or the one file that ends as weights do. Throws Error that lists
// what a folder without any of them, or with several, holds; and says how to fetch what is not
// there.
std::filesystem::path weights_of(const std::filesystem::path& base);

// Whether writing this file, or into this folder, would change what MODEL, with its config, is read
// from.
bool is_part_of(const std::filesystem::path& written, const std::filesystem::path& model);

}  // namespace fovea
