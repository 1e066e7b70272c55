#include "fovea/study/speed.h"

#include <algorithm>
#include <cstdint>

#include "fovea/study/comparison.h"

namespace fovea {
namespace {

// What is timed: a few pictures, often. Of short runs some find the machine at rest.
Array timed_pictures(const Model& model, const Batches& pictures) {
  Array some = pictures.front();
  const int64_t count = std::min<int64_t>(some.shape[0], std::max(4, model.threads()));
  some.data.resize(some.data.size() / static_cast<size_t>(some.shape[0]) *
                   static_cast<size_t>(count));
  some.shape[0] = count;
  return some;
}

}  // namespace

std::vector<double> measured_speedups(const Model& model, const Batches& pictures,
                                      const std::vector<MergeOptions>& merges, int passes,
                                      const std::function<bool()>& stopped) {
  const Array images = timed_pictures(model, pictures);
  std::vector<std::vector<double>> ratios(merges.size());
  for (int pass = 0; pass < passes && (pass == 0 || !stopped()); ++pass) {
    Comparison comparison(model, merges);
    comparison.add(images, true);
    for (size_t i = 0; i < merges.size(); ++i) {
      ratios[i].push_back(comparison.score(i + 1).images_per_second() /
                          comparison.score(0).images_per_second());
    }
  }
  std::vector<double> speedups;
  for (std::vector<double>& of_one : ratios) {
    const auto middle = of_one.begin() + static_cast<std::ptrdiff_t>(of_one.size() / 2);
    std::nth_element(of_one.begin(), middle, of_one.end());
    speedups.push_back(*middle);
  }
  return speedups;
}

}  // namespace fovea
