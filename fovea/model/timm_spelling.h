// How timm says a model of another library: its architecture's name, and its tensors.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fovea/io/array.h"
#include "fovea/model/architecture.h"

namespace fovea {

// The architecture under a name of timm's that tells what no tensor and no key of config.json does.
// CLIP's projection of features is timm's head. Throws Error naming `where` and what timm has no
// way to say. timm's own stay as they are.
Architecture said_by_timm(const Architecture& architecture, const std::string& where);

// A tensor of timm's: rows of a canonical one, from `first` on.
struct TimmTensor {
  std::string name;
  Shape shape;
  int64_t first = 0;
  bool is_zero = false;  // it has no values there
};

// What timm keeps a tensor of this canonical name and shape in. `has_key_bias`: whether keys have a
// bias.
std::vector<TimmTensor> timm_tensors(const std::string& name, const Shape& shape,
                                     const Architecture& architecture, bool has_key_bias);

// The values of a tensor of timm's, of those of the canonical one, of this shape, that `read`
// gives.
std::function<std::vector<float>()> rows_of(const TimmTensor& tensor, const Shape& whole,
                                            std::function<std::vector<float>()> read);

}  // namespace fovea
