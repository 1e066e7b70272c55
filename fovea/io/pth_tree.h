// Finding the dict of a model's tensors among all that a checkpoint holds.
#pragma once

#include <optional>
#include <string>

#include "fovea/io/pickle.h"

namespace fovea {

struct FoundDict {
  Pickle::Id dict;
  std::optional<std::string> note;  // which was chosen, where there was a choice
};

// As parse_pth says. `name` stands in messages. Throws Error, listing what is there, where there is
// none.
FoundDict find_tensors(const Pickle& pickle, const std::string& key, const std::string& name);

// Whether a value was a tensor, or a Parameter.
bool is_tensor(const Pickle& pickle, Pickle::Id id);

}  // namespace fovea
