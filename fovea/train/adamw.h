// AdamW (Loshchilov and Hutter, 2019) over a model's parameters, and the learning rate of each
// step.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "fovea/backend/torch/tensor.h"
#include "fovea/train/recipe.h"

namespace fovea {

// The learning rate of step 0 ... steps - 1: a linear rise over the first `warmup` steps, then half
// a cosine down to min_lr.
double learning_rate(const Recipe& recipe, int64_t step, int64_t warmup, int64_t steps);

class AdamW {
 public:
  // Of the parameters that need a gradient. `depth` is the model's, for layer_decay.
  AdamW(const std::vector<TorchParameter>& parameters, const Recipe& recipe, int depth);

  // A step down the gradients of all parameters, which are forgotten.
  void step(double learning_rate);
  // Scales the gradients down to a norm of at most `most`; 0: any.
  void clip(double most);

  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps);
  // What it remembers of each parameter, under names that tell; to be saved, and to be filled
  // again.
  std::vector<TorchParameter> state() const;
  // Those that it trains.
  const std::vector<torch::Tensor>& trained() const { return trained_; }

 private:
  // Parameters with one learning rate and one weight decay.
  struct Group {
    double scale = 1;
    double decay = 0;
    std::vector<size_t> members = {};
  };

  std::vector<std::string> names_;
  std::vector<torch::Tensor> trained_, first_, second_, counts_;
  std::vector<Group> groups_;
  std::array<double, 2> betas_;
  int64_t steps_ = 0;
};

}  // namespace fovea
