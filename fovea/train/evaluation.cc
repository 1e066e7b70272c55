#include "fovea/train/evaluation.h"

#include <algorithm>
#include <span>

#include "fovea/data/model_input.h"

namespace fovea {

Accuracy evaluate_on(const Model& model, const Dataset& data, const RunOptions& options,
                     const Watch& watch, const Processes& processes) {
  constexpr int64_t kBatch = 32;
  const InputSpec spec = input_spec(model.architecture(), model.config());
  Accuracy accuracy;
  const auto [begin, end] = processes.share_of(data.size());
  for (int64_t first = begin; first < end && !watch.stop(); first += kBatch) {
    const int64_t count = std::min(kBatch, end - first);
    Shape shape = spec.shape();
    shape.insert(shape.begin(), count);
    Array inputs(shape);
    for (int64_t i = 0; i < count; ++i) {
      const Array input = read_input(data, first + i, spec);
      std::copy(input.data.begin(), input.data.end(),
                inputs.data.begin() + i * static_cast<int64_t>(input.data.size()));
    }
    const Result result = model.run(inputs, options);
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
