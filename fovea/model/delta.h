// Deltas: files of only those tensors that a training changed in a model, under canonical names.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "fovea/backend/weight.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/config.h"
#include "fovea/model/save.h"

namespace fovea {

struct ModelPath {
  std::filesystem::path base;
  std::optional<std::filesystem::path> delta;
};

// The parts of MODEL+DELTA.safetensors. A path that is there as a whole is a model, + or not.
// Throws Error where nothing stands behind the +.
ModelPath split_delta(const std::filesystem::path& path);

// Whether writing this file, or into this folder, would change what MODEL, with its config, is read
// from.
bool is_part_of(const std::filesystem::path& written, const std::filesystem::path& model);

// Whether a file's metadata says that it is a delta.
bool is_delta(const SafeTensors& file);

// Throws Error where a delta says that it was made of another model.
void check_base(const SafeTensors& delta, const SafeTensors& model);

// Writes those weights, under canonical names, that the base lacks or has other values for, and in
// the metadata what differs in the config: labels and size of input. Atomic. Throws Error naming
// the file that can't be written, and the tensor whose values f16 can't hold.
void save_delta(const Checkpoint& base, const std::vector<Weight>& weights, const Config& config,
                const std::filesystem::path& path, Storage storage = Storage::f32);

// Puts what a delta's metadata says over the config of its base. Throws Error naming the file and
// the key.
void overlay_config(const SafeTensors& delta, Config& config);

}  // namespace fovea
