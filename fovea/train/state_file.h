// The checkpoint of a training run: weights, their mean, the optimiser's memory and where the run
// is.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "fovea/backend/torch/tensor.h"

namespace fovea {

struct Progressed {
  int64_t step = 0;    // steps done
  double seconds = 0;  // of training, over all sittings
  std::string dtype =
      {};  // in which the last sitting multiplied; empty where an old file tells not
};

// Writes a safetensors file (atomically) of all these tensors and of `progressed`. Throws Error
// naming the file.
void write_state(const std::filesystem::path& path, const std::vector<TorchParameter>& tensors,
                 const Progressed& progressed);

// Fills the tensors, which must be those of the file in name and shape. Throws Error naming the
// file and the tensor that differs: it is of another model, or of another kind of run.
Progressed read_state(const std::filesystem::path& path,
                      const std::vector<TorchParameter>& tensors);

}  // namespace fovea
