// The shape of Segment Anything's prompt encoder and mask decoder, as one plain struct.
#pragma once

#include <functional>

#include "fovea/backend/grid.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/config.h"
#include "fovea/model/tensors.h"

namespace fovea {

// Unless said otherwise that of the published models.
struct DecoderShape {
  int width = 256;          // channels of tokens and of the embedding
  int depth = 2;            // two-way layers
  int heads = 8;            // of all attention
  int token_width = 256;    // of all heads where tokens look at tokens
  int picture_width = 128;  // and where tokens and picture look at each other
  int mlp_width = 2048;     // of tokens
  int masks = 4;            // tokens, one a mask: the first where one is asked for, else the others
  int iou_width = 256;      // of the MLP that estimates how good masks are
  int half_channels = 64;   // of the picture at twice the embedding's sides
  int mask_channels = 32;   // and at four times
  int prompt_channels = 16;      // of a mask that is a prompt, at the embedding's sides
  int prompt_half_channels = 4;  // and at twice these
  double eps = 1e-5;             // of the two-way layers' norms
  double prompt_eps = 1e-6;      // of those over a mask that is a prompt
  Grid grid = {64, 64};          // of the embedding, where nobody asks for another
  int patch = 16;                // pixels of the input along each side of its cells
};

// Whether a checkpoint has tensors of a prompt encoder or a mask decoder, and of an image encoder.
bool has_decoder(const Checkpoint& checkpoint);
bool has_encoder(const Checkpoint& checkpoint);

// Reads everything from the shapes of a checkpoint and from its config, and marks the decoder's
// tensors as used. Throws Error naming the tensor that is missing, has another shape or is none of
// the decoder's, or the key of the config that contradicts them.
DecoderShape infer_decoder(const Checkpoint& checkpoint, const Config& config);

// Calls `visit` with every tensor of the two, in the order in which they are loaded.
void for_each_tensor(const DecoderShape& shape,
                     const std::function<void(const ListedTensor&)>& visit);

}  // namespace fovea
