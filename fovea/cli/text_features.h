// Zero-shot classes: features of texts that another program computed, compared with pictures'.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fovea/cli/command.h"
#include "fovea/fovea.h"

namespace fovea::cli {

// Their files, as typed; empty where there are none.
struct TextFlags {
  std::string features, names;
  bool any() const { return !features.empty() || !names.empty(); }
};

void add_text_flags(Command& command, TextFlags& flags);

class TextClasses {
 public:
  // features: [K, D] of an .npy; names: K lines. A note says where the model's file has no scale.
  // Throws Error where they don't go with each other, or with the model.
  TextClasses(const TextFlags& files, const Model& model);

  const std::vector<std::string>& names() const { return names_; }
  // Whether a picture may be of several.
  bool are_independent() const { return scale_.sigmoid; }
  // Of picture `index` of a result: [K].
  std::vector<float> logits(const Result& result, int64_t index) const;
  // Softmax of logits, or in SigLIP the sigmoid of each.
  std::vector<double> probabilities(std::span<const float> logits) const;

 private:
  Array texts_;  // [K, D], each of length 1
  std::vector<std::string> names_;
  TextScale scale_;
  bool of_head_ = false;  // pictures' vectors are what the head gives, as in timm's CLIP
};

}  // namespace fovea::cli
