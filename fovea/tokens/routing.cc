#include "fovea/tokens/routing.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace fovea {
namespace {

// The `count` best of rows [begin, end), ascending.
std::vector<int32_t> best_rows(std::span<const float> scores, int32_t begin, int32_t end,
                               int count) {
  std::vector<int32_t> rows(end - begin);
  std::iota(rows.begin(), rows.end(), begin);
  // NaN compares with nothing, which no sorting stands.
  const auto worth = [&](int32_t row) {
    return std::isnan(scores[row]) ? -HUGE_VALF : scores[row];
  };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](int32_t i, int32_t j) { return worth(i) > worth(j); });
  rows.resize(count);
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace

int selected_patches(double keep_ratio, int patches) {
  // nearbyint rounds half to even, as Python's round does.
  return std::max(1, static_cast<int>(std::nearbyint(keep_ratio * patches)));
}

Route select_tokens(const Sequences& sequences, std::span<const float> scores, int protected_tokens,
                    double keep_ratio) {
  Route route{{0}, {}};
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    const int32_t patches = sequences[image] + protected_tokens;
    const int32_t end = sequences[image + 1];
    for (int32_t row = sequences[image]; row < patches; ++row) route.rows.push_back(row);
    const int selected = std::min(selected_patches(keep_ratio, end - patches), end - patches);
    const std::vector<int32_t> best = best_rows(scores, patches, end, selected);
    route.rows.insert(route.rows.end(), best.begin(), best.end());
    route.first.push_back(static_cast<int32_t>(route.rows.size()));
  }
  return route;
}

IntArray positions_of(const Route& route, const Sequences& sequences) {
  IntArray positions({static_cast<int64_t>(sequences.size()) - 1, route.first[1]});
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    for (int32_t i = route.first[image]; i < route.first[image + 1]; ++i) {
      positions.data[i] = route.rows[i] - sequences[image];
    }
  }
  return positions;
}

}  // namespace fovea
