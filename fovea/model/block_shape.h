// What one layer of a model is, as one plain struct: all that its blocks are loaded and run by.
#pragma once

#include <optional>

#include "fovea/backend/grid.h"
#include "fovea/backend/kinds.h"
#include "fovea/backend/rotation.h"

namespace fovea {

// LayerNorm, or RMSNorm: x / sqrt(mean(x^2) + eps) * weight.
enum class NormKind { layer, rms };

struct BlockShape {
  int width = 0;  // C, of the tokens
  int heads = 0;
  int attention = 0;   // channels of all heads together; 0: C
  int mlp_width = 0;   // H, of the hidden layer
  int bottleneck = 0;  // channels that the MLP works on between a layer before and one behind; 0: C
  int branches = 1;    // parallel attention and MLP branches
  Activation activation = Activation::gelu;
  bool gated =
      false;  // the MLP is fc2(activation(gate x) * (values x)), else fc2(activation(fc1 x))
  bool scale_attention = false;  // LayerScale behind attention
  bool scale_mlp = false;        // and behind the MLP
  double eps = 1e-6;             // of every norm
  NormKind norm = NormKind::layer;
  bool post_norm = false;  // norms stand behind attention and MLP, on what is added, not before
  // Norms of each head's queries and keys, of attention's outputs, and of the MLP's hidden layer.
  std::optional<NormKind> qk_norm, attention_norm, mlp_norm;
  bool proj_bias = true;
  bool fc1_bias = true;
  bool fc2_bias = true;
  std::optional<Rotation> rotation;  // of queries and keys, by their tokens' places
  int layers = 0;                    // that mixed rotations have frequencies for
  int bias_rows = 0;                 // of the table of relative positions; 0: none
  Grid bias_grid;                    // that it is made for: rows, columns
  bool shares_bias = false;          // all layers have one table
  Grid decomposed;     // that tables of biases by rows and columns apart are made for; empty: none
  int window = 0;      // side of the windows that attention stays within; 0: it is over all
  bool joins = false;  // may be put beside a block that has learned without it (see Start)

  int attention_width() const { return attention > 0 ? attention : width; }
  bool knows_places() const { return rotation || bias_rows > 0; }
  int head_width() const { return attention_width() / heads; }
};

}  // namespace fovea
