// What the classes of a model are called.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fovea/api.h"
#include "fovea/model/config.h"

namespace fovea {

struct ClassNames {
  std::vector<std::string> names;  // of each class, for people; empty where nobody tells
  std::vector<std::string> ids;    // of each class a second name, its synset; empty where none has
  bool is_assumed = false;         // ImageNet's: config.json names none for the 1,000 classes
};

// Of a head of that many classes: config.json's labels, or their descriptions where it has these
// (and the labels are ids then); none where these are of another number. A synset without a
// description has ImageNet's, and 1,000 labels that are ImageNet's names in ImageNet's order have
// its synsets as ids. Where config.json says nothing, 1,000 classes are taken to be ImageNet's.
FOVEA_API ClassNames class_names(const Config& config, int classes);

// What the logits of one picture say of each class: softmax, or sigmoids where classes don't
// exclude each other. Throws Error for regression, whose values are no probabilities.
FOVEA_API std::vector<double> probabilities(std::span<const float> logits, ProblemType type);

// Small letters, one blank for any run of blanks and underscores, none at the ends: names that
// people take for the same become the same.
std::string folded_name(const std::string& name);

// The names between a label's commas, without the blanks at their ends: "tench, Tinca tinca".
std::vector<std::string> names_in(const std::string& label);

}  // namespace fovea
