// New models of videos and of sound, which families that are there can read.
#pragma once

#include "fovea/model/architecture.h"
#include "fovea/model/config.h"
#include "fovea/train/recipe.h"

namespace fovea {

// Throws Error naming the keys that do not go together for a new model of videos or sound.
void check_new_medium(const Recipe& recipe);

// Makes what a recipe says of pictures a model of its medium: of videos VideoMAE's, with sines and
// cosines for positions and the mean of all tubes; of sound AST's, with two tokens, where
// global_pool is token, else AudioMAE's.
void set_medium(const Recipe& recipe, Architecture& architecture);

// How its files become inputs; the mean and the deviation of sound are still to be measured where
// the recipe does not say them.
void set_medium(const Recipe& recipe, Config& config);

// Gives what was pre-trained without classes what its family's classifiers have before the head.
void set_classifier(Architecture& architecture);

// Another size of videos; sound has one size alone. Throws Error.
void resize_medium(int img_size, Architecture& architecture);

}  // namespace fovea
