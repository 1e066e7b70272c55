#include "fovea/cli/class_labels.h"

#include <fmt/format.h>

#include "fovea/cli/console.h"

namespace fovea::cli {

ClassNames names_of_classes(const Model& model) {
  const int classes = model.architecture().classes;
  ClassNames names = class_names(model.config(), classes);
  const size_t labels = model.config().labels.size();
  if (labels > 0 && labels != static_cast<size_t>(classes)) {
    note(fmt::format("config.json has {} labels for {} classes: they are not used", labels,
                     classes));
  }
  return names;
}

void note_assumed(const ClassNames& names) {
  if (!names.is_assumed) return;
  note(
      fmt::format("nothing names the {} classes: they are taken to be ImageNet's, in the order of "
                  "timm and torchvision",
                  names.names.size()));
}

}  // namespace fovea::cli
