// Which of a model's classes the names in a data set mean.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fovea/model/labels.h"

namespace fovea {

enum class ClassesBy { name, number, order };

struct ClassMatch {
  std::vector<int> classes;  // of each name
  ClassesBy by = ClassesBy::name;
};

// What names a data set's classes: folders are one for each class; a file's labels may be several
// for one, and need not be all that there are.
enum class NamedBy { folders, labels };

// `names` are sorted; the model has as many `classes`. Without `by`, whichever of these fits first:
//
// - by name, where one name at least is that of a class: an id or a label, or one of the names
//   between a label's commas; exact before but for case, blanks and underscores;
// - by number, where folders are the whole numbers from 0 to classes - 1 (labels: numbers of
// these);
// - by order, where there are as many as classes.
//
// Throws Error naming what means no class, or more than one, or what another folder means too.
ClassMatch match_classes(const std::vector<std::string>& names, const ClassNames& known,
                         int classes, NamedBy named_by, std::optional<ClassesBy> by = {});

}  // namespace fovea
