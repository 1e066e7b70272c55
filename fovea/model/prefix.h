// The prefix that who wraps a model in another puts before all names of its tensors.
#pragma once

#include <string>
#include <vector>

namespace fovea {

// "module.", "teacher.backbone.", "net.": what stands before every name of a model's tensors
// (tensors that are known to be none of its own may do without) and is not part of how its library
// names them, as "vit." is; empty where there is none.
std::string wrapper_of(const std::vector<std::string>& names);

}  // namespace fovea
