#include "fovea/tokens/routing.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "fovea/tokens/worth.h"

namespace fovea {
namespace {

// The `count` best of rows [begin, end), ascending.
std::vector<int32_t> best_rows(std::span<const float> scores, int32_t begin, int32_t end,
                               int count) {
  std::vector<int32_t> rows = falling(scores.subspan(begin, end - begin));
  rows.resize(count);
  std::sort(rows.begin(), rows.end());
  for (int32_t& row : rows) row += begin;
  return rows;
}

}  // namespace

int selected_patches(double keep_ratio, int patches) {
  // nearbyint rounds half to even, as Python's round does.
  return std::max(1, static_cast<int>(std::nearbyint(keep_ratio * patches)));
}

int selected_in_window(double keep_ratio, const Windows& windows, int longest) {
  const Window first = windows.at(0);  // no other has more patches
  const double left = static_cast<double>(longest) / (first.rows * first.columns);
  return selected_patches(keep_ratio * left, windows.side() * windows.side());
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

Route select_count(const Sequences& sequences, std::span<const float> scores, int count) {
  Route route{{0}, {}};
  for (size_t i = 0; i + 1 < sequences.size(); ++i) {
    const int selected = std::min(count, sequences[i + 1] - sequences[i]);
    const std::vector<int32_t> best = best_rows(scores, sequences[i], sequences[i + 1], selected);
    route.rows.insert(route.rows.end(), best.begin(), best.end());
    route.first.push_back(static_cast<int32_t>(route.rows.size()));
  }
  return route;
}

Route regroup(const Route& route, const Sequences& sequences) {
  Route same{{}, route.rows};
  for (const int32_t begin : sequences) {
    const auto first = std::lower_bound(route.rows.begin(), route.rows.end(), begin);
    same.first.push_back(static_cast<int32_t>(first - route.rows.begin()));
  }
  return same;
}

Route reorder(const Route& route, const Route& order) {
  std::vector<bool> selected(order.rows.size());
  for (const int32_t row : route.rows) selected[row] = true;
  Route moved{{}, {}};
  for (size_t i = 0; i < order.rows.size(); ++i) {
    if (selected[order.rows[i]]) moved.rows.push_back(static_cast<int32_t>(i));
  }
  return regroup(moved, order.first);
}

Route undo(const Route& route, const Route& order) {
  Route before{{0, static_cast<int32_t>(route.rows.size())}, {}};
  for (const int32_t row : route.rows) before.rows.push_back(order.rows[row]);
  std::sort(before.rows.begin(), before.rows.end());
  return before;
}

Route first_tokens(const Sequences& sequences, int count) {
  Route route{{0}, {}};
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    for (int i = 0; i < count; ++i) route.rows.push_back(sequences[image] + i);
    route.first.push_back(static_cast<int32_t>(route.rows.size()));
  }
  return route;
}

std::vector<float> spread_scores(const Sequences& sequences, int protected_tokens,
                                 double keep_ratio) {
  std::vector<float> scores(sequences.back(), 0);
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    const int64_t first = sequences[image] + protected_tokens;
    const int64_t patches = sequences[image + 1] - first;
    const int64_t selected = selected_patches(keep_ratio, static_cast<int>(patches));
    for (int64_t i = 0; i < selected; ++i) {
      scores[first + (2 * i + 1) * patches / (2 * selected)] = 1;
    }
  }
  return scores;
}

Route follow(const Route& route, const Plan& plan) {
  Route after{{0}, {}};
  for (size_t image = 0; image + 1 < route.first.size(); ++image) {
    std::vector<int32_t> rows;
    for (int32_t i = route.first[image]; i < route.first[image + 1]; ++i) {
      const int32_t row = plan.target[route.rows[i]];
      if (row >= 0) rows.push_back(row);  // else it was dropped
    }
    std::sort(rows.begin(), rows.end());
    after.rows.insert(after.rows.end(), rows.begin(), std::unique(rows.begin(), rows.end()));
    after.first.push_back(static_cast<int32_t>(after.rows.size()));
  }
  return after;
}

IntArray positions_of(const Route& route, const Sequences& sequences) {
  const auto batch = static_cast<int64_t>(sequences.size()) - 1;
  const Route by_image = regroup(route, sequences);
  int32_t most = 0;
  for (int64_t image = 0; image < batch; ++image) {
    most = std::max(most, by_image.first[image + 1] - by_image.first[image]);
  }
  IntArray positions({batch, most});
  std::fill(positions.data.begin(), positions.data.end(), -1);
  for (int64_t image = 0; image < batch; ++image) {
    for (int32_t i = by_image.first[image]; i < by_image.first[image + 1]; ++i) {
      positions.data[image * most + i - by_image.first[image]] =
          by_image.rows[i] - sequences[image];
    }
  }
  return positions;
}

}  // namespace fovea
