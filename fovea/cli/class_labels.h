// The names of a model's classes, for commands that show them or match folders to them.
#pragma once

#include "fovea/fovea.h"
#include "fovea/model/labels.h"

namespace fovea::cli {

// Says on standard error where config.json's labels are not used, as they are of another number.
ClassNames names_of_classes(const Model& model);

// Says so where the names are ImageNet's because config.json has none.
void note_assumed(const ClassNames& names);

}  // namespace fovea::cli
