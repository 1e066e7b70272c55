#include "fovea/segment/suppression.h"

#include <algorithm>
#include <numeric>

namespace fovea {
namespace {

double area(const Box& box) {
  return (static_cast<double>(box[2]) - box[0]) * (static_cast<double>(box[3]) - box[1]);
}

bool covers(const Box& a, const Box& b, double most) {
  const double width = std::max(0.0F, std::min(a[2], b[2]) - std::max(a[0], b[0]));
  const double height = std::max(0.0F, std::min(a[3], b[3]) - std::max(a[1], b[1]));
  const double common = width * height;
  return common > most * (area(a) + area(b) - common);
}

}  // namespace

std::vector<size_t> suppress(std::span<const Box> boxes, std::span<const float> scores,
                             double most) {
  std::vector<size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  std::vector<size_t> kept;
  for (const size_t candidate : order) {
    const auto covered = [&](size_t better) {
      return covers(boxes[better], boxes[candidate], most);
    };
    if (std::none_of(kept.begin(), kept.end(), covered)) kept.push_back(candidate);
  }
  return kept;
}

}  // namespace fovea
