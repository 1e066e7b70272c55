// New models of videos and of sound, which families that are there can read.
#pragma once

#include <string>

#include "fovea/model/architecture.h"
#include "fovea/model/config.h"
#include "fovea/model/weights.h"
#include "fovea/train/recipe.h"

namespace fovea {

// Makes what a recipe says of pictures a model of its medium: of videos VideoMAE's, with sines and
// cosines for positions and the mean of all tubes; of sound AST's, with two tokens, where
// global_pool is token, else AudioMAE's.
void set_medium(const Recipe& recipe, Architecture& architecture);

// How its files become inputs; the mean and the deviation of sound are still to be measured where
// the recipe does not say them.
void set_medium(const Recipe& recipe, Config& config);

// What a new model starts from; of sound positions begin as AudioMAE's, sines and cosines of row
// and column: small random ones would leave frequencies alike for long. Tokens before them begin at
// 0.
class MediaStart : public WeightSource {
 public:
  MediaStart(WeightSource& others, const Architecture& architecture)
      : others_(others), architecture_(architecture) {}

 private:
  Array values(const std::string& name, const Shape& shape, Start start) override;

  WeightSource& others_;
  const Architecture& architecture_;
};

// Gives what was pre-trained without classes what its family's classifiers have before the head.
void set_classifier(Architecture& architecture);

// Another size of videos; sound has one size alone. Throws Error.
void resize_medium(int img_size, Architecture& architecture);

}  // namespace fovea
