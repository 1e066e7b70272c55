// Where the torch backend computes.
#pragma once

#include <torch/types.h>

#include <string>

namespace fovea {

// "cpu", "cuda" or "cuda:1". Throws Error for anything else, and where this libtorch, or this
// machine, has no such device.
torch::Device parse_device(const std::string& name);

}  // namespace fovea
