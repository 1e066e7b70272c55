#include "fovea/tokens/window_order.h"

#include <numeric>
#include <vector>

namespace fovea {

Route window_order(const Sequences& images, std::span<const Place> places, const Windows& windows) {
  Route order;
  order.first.push_back(0);
  order.rows.resize(images.back());
  std::vector<int32_t> window_of(images.back());
  for (size_t row = 0; row < window_of.size(); ++row) {
    window_of[row] =
        windows.index_of(static_cast<int>(places[row].y), static_cast<int>(places[row].x));
  }
  for (size_t image = 0; image + 1 < images.size(); ++image) {
    std::vector<int32_t> next(windows.count());  // row where the next token of a window goes
    for (int32_t row = images[image]; row < images[image + 1]; ++row) ++next[window_of[row]];
    for (int32_t& count : next) {
      const int32_t begin = order.first.back();
      order.first.push_back(begin + count);
      count = begin;
    }
    for (int32_t row = images[image]; row < images[image + 1]; ++row) {
      order.rows[next[window_of[row]]++] = row;
    }
  }
  return order;
}

bool stays(const Route& route) {
  for (size_t i = 0; i < route.rows.size(); ++i) {
    if (route.rows[i] != static_cast<int32_t>(i)) return false;
  }
  return true;
}

}  // namespace fovea
