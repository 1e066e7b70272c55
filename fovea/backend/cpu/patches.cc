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

// Of a pixel in an input.
struct PixelPlace {
  int64_t frame, row, column;
};

// All channels of a box of `one` input's pixels; returns where the next one goes.
float* copy_box(const Input& input, const float* one, const PixelPlace& start, const Grid& box,
                float* to) {
  const Grid& all = input.grid;
  for (int64_t channel = 0; channel < input.channels; ++channel) {
    for (int64_t frame = start.frame; frame < start.frame + box.frames; ++frame) {
      const int64_t row = (channel * all.frames + frame) * all.rows + start.row;
      const float* from = one + row * all.columns + start.column;
      for (int y = 0; y < box.rows; ++y, from += all.columns) {
        to = std::copy_n(from, box.columns, to);
      }
    }
  }
  return to;
}

}  // namespace

Tensor Cpu::patches(const Input& input, const Grid& patch, const Grid& step,
                    std::span<const int> splits) {
  const Timed timed = time(Work::patches);
  int split = 1;
  for (const int s : splits) split *= s;
  const std::vector<Corner> order = piece_order(splits);
  const Grid piece(patch.frames, patch.rows / split, patch.columns / split);
  const Grid grid = places_within(input.grid, patch, step);
  const int64_t count = grid.size();
  auto sequences = std::make_shared<Sequences>(1, 0);
  for (int64_t b = 0; b < input.batch; ++b) {
    sequences->push_back(sequences->back() + static_cast<int32_t>(count * order.size()));
  }
  Tensor out = make(sequences, input.channels * piece.size());
  for_ranges(input.batch * count, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* one = input.data + i / count * input.each();
      const int64_t within = i % count % grid.frame_size();
      const int64_t first = i % count / grid.frame_size() * step.frames;
      const int64_t top = within / grid.columns * step.rows;
      const int64_t left = within % grid.columns * step.columns;
      float* to = out.row(i * static_cast<int64_t>(order.size()));
      for (const Corner& place : order) {
        const PixelPlace start = {first, top + int64_t{place.y} * piece.rows,
                                  left + int64_t{place.x} * piece.columns};
        to = copy_box(input, one, start, piece, to);
      }
    }
  });
  return out;
}

}  // namespace fovea
