#include "fovea/study/comparison.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "fovea/backend/input.h"
#include "fovea/model/cost.h"

namespace fovea {

double Score::images_per_second() const {
  const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  return total > 0 ? static_cast<double>(timed_images) / total : 0;
}

double Score::gflops_per_image() const {
  return fidelity.images == 0 ? 0 : gflops / static_cast<double>(fidelity.images);
}

const Array& compared(const Result& result) {
  return result.embedding.empty() ? result.features : result.embedding;
}

double gflops_run(const Model& model, const Array& images, const MergeOptions& merge,
                  const Result& result) {
  const Architecture& a = model.architecture();
  return batch_gflops(a, input_of(images).grid, course_of(a, merge), result.layer_tokens);
}

Comparison::Comparison(const Model& model, const std::vector<MergeOptions>& settings,
                       std::function<bool()> stopped)
    : model_(model), merges_(1), stopped_(std::move(stopped)), scores_(settings.size() + 1) {
  merges_.insert(merges_.end(), settings.begin(), settings.end());
}

// Lowers `fastest`, if there is one, to the seconds that it took.
Result Comparison::run(const Array& images, size_t setting, double* fastest) const {
  const auto start = std::chrono::steady_clock::now();
  Result result = model_.run(images, {.merge = merges_[setting], .want_tokens = false});
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  if (fastest != nullptr) *fastest = std::min(*fastest, passed.count());
  return result;
}

void Comparison::judge(const Array& images, size_t setting, const Result& result,
                       const Result& dense, Score& score) const {
  fovea::add(compared(result), result.logits, compared(dense), dense.logits, score.fidelity);
  score.gflops += gflops_run(model_, images, merges_[setting], result);
}

void Comparison::add(const Array& images, bool timed) {
  std::vector<Score> scores = scores_;  // all settings see the same pictures, or none
  Result dense;
  for (size_t setting = 0; setting < size(); ++setting) {
    if (stopped_()) return;
    Score& score = scores[setting];
    double* fastest = nullptr;
    if (timed) {
      score.timed_images += images.shape[0];
      fastest = &score.seconds.emplace_back(std::numeric_limits<double>::infinity());
    }
    const Result result = run(images, setting, fastest);
    if (setting == 0) dense = result;
    judge(images, setting, result, dense, score);
  }
  scores_ = std::move(scores);
}

void Comparison::time_again(const Array& images, size_t batch) {
  for (size_t setting = 0; setting < size() && !stopped_(); ++setting) {
    run(images, setting, &scores_[setting].seconds[batch]);
  }
}

}  // namespace fovea
