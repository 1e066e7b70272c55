// A model as it lies on the disk, with all that is known of it before a backend takes its weights.
#pragma once

#include <filesystem>
#include <string>

#include "fovea/model/architecture.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/config.h"

namespace fovea {

struct StoredModel {
  Checkpoint checkpoint;
  Config config;  // with the size of input that the model was made for
  Architecture architecture;
};

// `path` and `key`: as for Checkpoint::open; the config lies beside the model, and a delta may
// change its labels and size of input. `heads`: how many attention heads it has, where neither its
// config nor its name or width tells; 0: they do. Throws Error naming the file and what is wrong
// with it.
StoredModel open_stored(const std::filesystem::path& path, int heads = 0,
                        const std::string& key = {});

}  // namespace fovea
