// The texts of the configs that are written beside a model, in timm's style.
#pragma once

#include <optional>
#include <string>

#include "fovea/model/architecture.h"
#include "fovea/model/config.h"

namespace fovea {

// The text of a config.json: all that shapes of tensors can't tell, labels and preprocessing.
std::string config_text(const Architecture& architecture, const Config& config);

// The same without preprocessing, where no file says it, or another one does.
std::string config_text_without_pictures(const Architecture& architecture, const Config& config);

// The text of a preprocessor_config.json, in transformers' keys; nothing where timm's say all, or
// nobody has said how sound becomes an input.
std::optional<std::string> preprocessor_text(const Architecture& architecture,
                                             const Config& config);

}  // namespace fovea
