#include "fovea/report/neighbours.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

Array normalized(Array rows) {
  const int64_t width = rows.shape[1];
  for (int64_t i = 0; i < rows.shape[0]; ++i) {
    float* row = rows.data.data() + i * width;
    const double squares = std::inner_product(row, row + width, row, 0.0);
    const auto factor = static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0);
    for (int64_t c = 0; c < width; ++c) row[c] *= factor;
  }
  return rows;
}

}  // namespace

Neighbours::Neighbours(Array features, std::vector<int> classes, int class_count, int nearest,
                       int threads)
    : cpu_(chosen_instructions(), Dtype::f32, std::make_shared<Threads>(threads)),
      classes_(std::move(classes)),
      class_count_(class_count),
      nearest_(nearest) {
  if (classes_.size() < static_cast<size_t>(nearest)) {
    fail("{} neighbours of {} known pictures; expected at most as many as there are", nearest,
         classes_.size());
  }
  known_ = cpu_.make_linear({normalized(std::move(features))}, {});
}

Array Neighbours::votes(Array features) {
  const int64_t batch = features.shape[0];
  const Array rows = normalized(std::move(features));
  const Array cosines = cpu_.read(cpu_.linear(cpu_.write(rows), known_));
  Array votes({batch, class_count_});
  const auto known = static_cast<int64_t>(classes_.size());
  std::vector<int64_t> order(known);
  for (int64_t i = 0; i < batch; ++i) {
    const float* cosine = cosines.data.data() + i * known;
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + nearest_, order.end(),
                      [&](int64_t a, int64_t b) {
                        return cosine[a] != cosine[b] ? cosine[a] > cosine[b] : a < b;
                      });
    for (int n = 0; n < nearest_; ++n) {
      const int64_t neighbour = order[n];
      votes.data[i * class_count_ + classes_[neighbour]] += std::exp(cosine[neighbour] / 0.07F);
    }
  }
  return votes;
}

}  // namespace fovea
