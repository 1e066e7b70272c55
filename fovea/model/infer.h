// The parts of inferring an architecture that lie in files of their own.
#pragma once

#include <string>

#include "fovea/model/architecture.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/families/family.h"

namespace fovea {

// Extent `axis` of a tensor that must have `rank` of them. Throws Error naming the tensor.
int extent(const Checkpoint& checkpoint, const std::string& name, size_t rank, size_t axis);

// Whether a part has a weight or a bias: the other one is missed, by its name, when all tensors are
// checked.
bool has_part(const Checkpoint& checkpoint, const std::string& name);

// How many rows of channels a tensor of tokens has, whatever extents of 1 it has besides.
int token_rows(const Checkpoint& checkpoint, const std::string& name);

// The stem, the patch and the width. Throws Error naming a tensor, or the key of the config that
// contradicts it.
void infer_stem(const Checkpoint& checkpoint, const Config& config, Architecture& a);

// Of models of videos and of sound: for what size of inputs they are made, and how far their
// patches lie apart. Throws Error where neither config nor positions tell.
void infer_medium(const Checkpoint& checkpoint, const Config& config, const Traits& traits,
                  Architecture& a);

// What makes it a big.LITTLE ViT, if anything does. Throws Error where tensors and config
// contradict each other.
void infer_routing(const Checkpoint& checkpoint, const Config& config, Architecture& a);

// Which layers see whole images, those whose tables are made for the grid of positions, and which
// windows (Segment Anything's encoder). Throws Error naming a layer that is neither.
void infer_windows(const Checkpoint& checkpoint, Architecture& a);

// Throws Error naming what the config says of the model and its tensors do not.
void check_config(const Checkpoint& checkpoint, const Config& config, const Architecture& a);

// Throws Error naming what a big.LITTLE ViT has in other layers than its config says.
void check_routed(const Checkpoint& checkpoint, const Architecture& a);

}  // namespace fovea
