#include "fovea/model/stored.h"

#include <cmath>
#include <optional>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/model/delta.h"
#include "fovea/model/families/family.h"
#include "fovea/model/look.h"
#include "fovea/model/usual_preprocessing.h"

namespace fovea {

namespace {

void set_heads(int heads, const Checkpoint& checkpoint, Config& config) {
  if (config.heads && *config.heads != heads) {
    fail("{}: config.json says {} heads, --num-heads {}; expected the same", checkpoint.file_name(),
         *config.heads, heads);
  }
  config.heads = heads;
}

// A tensor of one number, whatever stands before its name.
std::optional<double> number_in(const Checkpoint& checkpoint, const std::string& name) {
  const std::string behind = "." + name;
  for (const auto& [file_name, tensor] : checkpoint.file().tensors()) {
    const bool fits = file_name == name || file_name.ends_with(behind);
    if (fits && elements(tensor.shape) == 1) {
      return to_floats(tensor, checkpoint.file_name()).front();
    }
  }
  return std::nullopt;
}

TextScale text_scale_of(const Checkpoint& checkpoint, const Architecture& a) {
  TextScale text;
  const std::optional<double> scale = number_in(checkpoint, "logit_scale");
  const std::optional<double> bias = number_in(checkpoint, "logit_bias");
  text.assumed = !scale;
  text.scale = scale ? std::exp(*scale) : text.scale;
  text.bias = bias.value_or(text.bias);
  text.sigmoid = bias || a.family == kSiglip.name || a.name.find("siglip") != std::string::npos;
  return text;
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
  config.text_scale = text_scale_of(checkpoint, architecture);
  set_usual_preprocessing(architecture, config);
  return {std::move(checkpoint), std::move(config), std::move(architecture)};
}

}  // namespace fovea
