#include "fovea/cli/file_answer.h"

namespace fovea::cli {

void FileAnswer::add(std::span<const float> logits, Medium medium, const ProbabilitiesOf& of) {
  logits_.add(logits);
  if (medium != Medium::sound) return;
  const std::vector<double> probabilities = of(logits);
  probabilities_.add(std::span(probabilities));
}

std::vector<float> FileAnswer::logits() const { return logits_.mean<float>(); }

std::vector<double> FileAnswer::probabilities(const ProbabilitiesOf& of) const {
  return probabilities_.count() == 0 ? of(logits()) : probabilities_.mean<double>();
}

std::vector<float> FileAnswer::scores() const {
  return probabilities_.count() > 1 ? probabilities_.mean<float>() : logits();
}

}  // namespace fovea::cli
