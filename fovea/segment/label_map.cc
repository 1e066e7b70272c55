#include "fovea/segment/label_map.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "fovea/io/fail.h"

namespace fovea {

std::vector<uint16_t> label_map(std::span<const Rle> masks, int height, int width) {
  constexpr size_t kMost = std::numeric_limits<uint16_t>::max();
  if (masks.size() > kMost) fail("{} masks; expected at most {}", masks.size(), kMost);
  std::vector<int64_t> areas;
  for (const Rle& mask : masks) {
    if (mask.height != height || mask.width != width) {
      fail("a mask of {} x {} pixels in a picture of {} x {}; expected the same size", mask.height,
           mask.width, height, width);
    }
    areas.push_back(area_of(mask));
  }
  std::vector<size_t> order(masks.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return areas[a] > areas[b]; });
  std::vector<uint16_t> labels(size_t{1} * height * width);
  for (const size_t i : order) {
    const auto number = static_cast<uint16_t>(i + 1);
    for_each_piece(masks[i], [&](int x, int top, int bottom) {
      for (int y = top; y < bottom; ++y) labels[size_t{1} * y * width + x] = number;
    });
  }
  return labels;
}

}  // namespace fovea
