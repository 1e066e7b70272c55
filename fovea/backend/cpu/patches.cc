// Cutting images into patches, for linear and for hierarchical stems.
#include <algorithm>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {
namespace {

// Where a piece lies within its patch, in pieces, when every level is walked row by row.
struct Corner {
  int y = 0;
  int x = 0;
};

// Pieces in the order that lets fold() join splits.back() x splits.back() neighbours first, and so
// on outwards.
std::vector<Corner> piece_order(std::span<const int> splits) {
  std::vector<Corner> order = {{0, 0}};
  for (const int split : splits) {
    std::vector<Corner> finer;
    for (const Corner& place : order) {
      for (int y = 0; y < split; ++y) {
        for (int x = 0; x < split; ++x) finer.push_back({place.y * split + y, place.x * split + x});
      }
    }
    order = std::move(finer);
  }
  return order;
}

}  // namespace

Tensor Cpu::patches(const Images& images, int patch_height, int patch_width,
                    std::span<const int> splits) {
  const Timed timed = time(Work::patches);
  int split = 1;
  for (const int s : splits) split *= s;
  const std::vector<Corner> order = piece_order(splits);
  const int64_t height = patch_height / split;
  const int64_t width = patch_width / split;
  const int64_t columns = images.width / patch_width;
  const int64_t count = images.height / patch_height * columns;
  auto sequences = std::make_shared<Sequences>(1, 0);
  for (int64_t b = 0; b < images.batch; ++b) {
    sequences->push_back(sequences->back() + static_cast<int32_t>(count * order.size()));
  }
  Tensor out = make(sequences, 3 * height * width);
  for_ranges(images.batch * count, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* image = images.data + i / count * 3 * images.height * images.width;
      const int64_t top = i % count / columns * patch_height;
      const int64_t left = i % count % columns * patch_width;
      float* to = out.row(i * static_cast<int64_t>(order.size()));
      for (const Corner& place : order) {
        for (int64_t row = 0; row < 3 * height; ++row) {
          const int64_t channel = row / height;
          const int64_t y = top + place.y * height + row % height;
          const float* from =
              image + (channel * images.height + y) * images.width + left + place.x * width;
          to = std::copy_n(from, width, to);
        }
      }
    }
  });
  return out;
}

}  // namespace fovea
