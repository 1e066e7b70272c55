// What a file's inputs say of its class together.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "fovea/cli/vector_mean.h"
#include "fovea/model/architecture.h"

namespace fovea::cli {

// What logits say of each class.
using ProbabilitiesOf = std::function<std::vector<double>(std::span<const float> logits)>;

// Logits of the clips and crops of a video are averaged, and the probabilities of a sound's
// windows: what is heard in one of them is there.
class FileAnswer {
 public:
  // The logits of one more input: [classes].
  void add(std::span<const float> logits, Medium medium, const ProbabilitiesOf& of);

  // All that follows needs an input at least.
  std::vector<float> logits() const;  // the mean
  std::vector<double> probabilities(const ProbabilitiesOf& of) const;
  // The higher, the likelier: the logits, by which classes differ whose probabilities are equal,
  // or, of several windows, the probabilities.
  std::vector<float> scores() const;

 private:
  VectorMean logits_;
  VectorMean probabilities_;  // of sound
};

}  // namespace fovea::cli
