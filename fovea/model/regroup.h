// Layers in sequence regrouped as fewer ones with parallel branches ("three things", section 1).
#pragma once

#include <string>
#include <string_view>

#include "fovea/model/architecture.h"

namespace fovea {

// The architecture with every `branches` layers of a sequential one side by side. Throws Error
// where it has branches already, or layers that can't be shared out evenly.
Architecture regrouped(const Architecture& architecture, int branches);

// Where a tensor of the sequential model goes, as a canonical name: layer l becomes branch
// l % branches of layer l / branches.
std::string regrouped_name(std::string_view name, int branches);

}  // namespace fovea
