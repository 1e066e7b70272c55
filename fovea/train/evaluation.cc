#include "fovea/train/evaluation.h"

#include <algorithm>
#include <span>

#include "fovea/data/preprocess.h"

namespace fovea {

Accuracy evaluate_on(const Model& model, const Dataset& data, const RunOptions& options,
                     const Watch& watch, const Processes& processes) {
  constexpr int64_t kBatch = 32;
  const Preprocessing& spec = model.config().preprocessing;
  const int64_t pixels = int64_t{3} * spec.height * spec.width;
  Accuracy accuracy;
  const auto [begin, end] = processes.share_of(data.size());
  for (int64_t first = begin; first < end && !watch.stop(); first += kBatch) {
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
    watch.on_evaluated(first + count - begin, end - begin);
  }
  processes.sum({&accuracy.images, &accuracy.first, &accuracy.among_five});
  return accuracy;
}

}  // namespace fovea
