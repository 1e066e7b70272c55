#include "fovea/model/stored.h"

#include <utility>

#include "fovea/io/fail.h"
#include "fovea/model/delta.h"
#include "fovea/model/look.h"

namespace fovea {

namespace {

void set_heads(int heads, const Checkpoint& checkpoint, Config& config) {
  if (config.heads && *config.heads != heads) {
    fail("{}: config.json says {} heads, --num-heads {}; expected the same", checkpoint.file_name(),
         *config.heads, heads);
  }
  config.heads = heads;
}

}  // namespace

StoredModel open_stored(const std::filesystem::path& path, int heads, const std::string& key) {
  Checkpoint checkpoint = Checkpoint::open(path, key);
  check_look(checkpoint);
  // The config lies beside the model's file.
  Config config = read_config(std::filesystem::path(checkpoint.file_name()).parent_path());
  if (checkpoint.delta() != nullptr) overlay_config(*checkpoint.delta(), config);
  if (heads > 0) set_heads(heads, checkpoint, config);
  Architecture architecture = infer_architecture(checkpoint, config);
  return {std::move(checkpoint), std::move(config), std::move(architecture)};
}

}  // namespace fovea
