#include "fovea/model/stored.h"

#include <utility>

#include "fovea/model/delta.h"

namespace fovea {

StoredModel open_stored(const std::filesystem::path& path) {
  Checkpoint checkpoint = Checkpoint::open(path);
  // The config lies beside the model's file.
  Config config = read_config(std::filesystem::path(checkpoint.file_name()).parent_path());
  if (checkpoint.delta() != nullptr) overlay_config(*checkpoint.delta(), config);
  Architecture architecture = infer_architecture(checkpoint, config);
  return {std::move(checkpoint), std::move(config), std::move(architecture)};
}

}  // namespace fovea
