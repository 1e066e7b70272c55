#include "fovea/train/evaluation.h"

#include <algorithm>
#include <span>

#include "fovea/data/preprocess.h"

namespace fovea {

Accuracy evaluate_on(const Model& model, const Dataset& data, const RunOptions& options,
                     const std::function<bool()>& stop) {
  constexpr int64_t kBatch = 32;
  const Preprocessing& spec = model.config().preprocessing;
  const int64_t pixels = int64_t{3} * spec.height * spec.width;
  Accuracy accuracy;
  for (int64_t first = 0; first < data.size() && !stop(); first += kBatch) {
    const int64_t count = std::min(kBatch, data.size() - first);
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
  return accuracy;
}

}  // namespace fovea
