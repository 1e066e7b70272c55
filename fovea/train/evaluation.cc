#include "fovea/train/evaluation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "fovea/data/preprocess.h"

namespace fovea {
namespace {

Accuracy sum_of(const Accuracy& own, const Processes& processes) {
  std::array<double, 3> sums = {static_cast<double>(own.images), static_cast<double>(own.first),
                                static_cast<double>(own.among_five)};
  processes.sum(sums);
  Accuracy all;
  all.images = std::llround(sums[0]);
  all.first = std::llround(sums[1]);
  all.among_five = std::llround(sums[2]);
  return all;
}

}  // namespace

Accuracy evaluate_on(const Model& model, const Dataset& data, const RunOptions& options,
                     const std::function<bool()>& stop, const Processes& processes) {
  constexpr int64_t kBatch = 32;
  const Preprocessing& spec = model.config().preprocessing;
  const int64_t pixels = int64_t{3} * spec.height * spec.width;
  Accuracy accuracy;
  const int64_t end = data.size() * (processes.rank() + 1) / processes.size();
  for (int64_t first = data.size() * processes.rank() / processes.size(); first < end && !stop();
       first += kBatch) {
    const int64_t count = std::min(kBatch, end - first);
    Array images({count, 3, spec.height, spec.width});
    for (int64_t i = 0; i < count; ++i) {
      preprocess(data.read(first + i), spec, std::span(images.data).subspan(i * pixels, pixels),
                 data.name(first + i));
    }
    const Result result = model.run(images, options);
    const int64_t classes = result.logits.shape[1];
    for (int64_t i = 0; i < count; ++i) {
      accuracy.add(std::span(result.logits.data).subspan(i * classes, classes),
                   data.label(first + i));
    }
  }
  return sum_of(accuracy, processes);
}

}  // namespace fovea
