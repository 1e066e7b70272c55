// Deltas: files of only those tensors that a training changed in a model, under canonical names.
#pragma once

#include <filesystem>
#include <vector>

#include "fovea/backend/weight.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/config.h"
#include "fovea/model/save.h"

namespace fovea {

// Whether a file's metadata says that it is a delta.
bool is_delta(const TensorFile& file);

// Throws Error where a delta says that it was made of another model.
void check_base(const TensorFile& delta, const TensorFile& model);

// Writes those weights, under canonical names, that the base lacks or has other values for, and in
// the metadata what differs in the config: labels and size of input. Atomic. Throws Error naming
// the file that can't be written, and the tensor whose values f16 can't hold.
void save_delta(const Checkpoint& base, const std::vector<Weight>& weights, const Config& config,
                const std::filesystem::path& path, Storage storage = Storage::f32);

// Puts what a delta's metadata says over the config of its base. Throws Error naming the file and
// the key.
void overlay_config(const TensorFile& delta, Config& config);

}  // namespace fovea
