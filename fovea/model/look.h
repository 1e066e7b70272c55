// What other models' tensors look like, to name a file that holds no Vision Transformer.
#pragma once

#include "fovea/model/checkpoint.h"

namespace fovea {

// Throws Error naming the file and what its tensors look like (a Swin Transformer, a ResNet, a text
// model, an adapter, ...), or some of their names, where they are no Vision Transformer's under any
// name that is known.
void check_look(const Checkpoint& checkpoint);

}  // namespace fovea
