// What one layer of a model is, as one plain struct: all that its blocks are loaded and run by.
#pragma once

namespace fovea {

struct BlockShape {
  int width = 0;      // C, of the tokens
  int heads = 0;
  int attention = 0;  // channels of all heads together; 0: C
  int mlp_width = 0;  // H, of the hidden layer
  int bottleneck = 0;  // channels that the MLP works on between a layer before and one behind; 0: C
  int branches = 1;   // parallel attention and MLP branches
  bool layer_scale = false;
  double eps = 1e-6;  // of every norm

  int attention_width() const { return attention > 0 ? attention : width; }
};

}  // namespace fovea
