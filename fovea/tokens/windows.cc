#include "fovea/tokens/windows.h"

#include <algorithm>
#include <cmath>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

// Appends a window of an image whose patches begin at row `first`, from patch (top, left) on.
void add_window(Windows& windows, int32_t first, std::array<int, 2> grid, int side, int top,
                int left) {
  const int bottom = std::min(top + side, grid[0]);
  const int right = std::min(left + side, grid[1]);
  for (int row = top; row < bottom; ++row) {
    for (int column = left; column < right; ++column) {
      const int32_t patch = first + row * grid[1] + column;
      windows.back.rows[patch] = static_cast<int32_t>(windows.tokens.rows.size());
      windows.tokens.rows.push_back(patch);
      windows.rows.push_back(patch);
    }
  }
  windows.log_sizes.resize(windows.rows.size());
  if (const int padding = side * side - (bottom - top) * (right - left); padding > 0) {
    windows.rows.push_back(-1);
    windows.log_sizes.push_back(std::log(static_cast<float>(padding)));
  }
  windows.first.push_back(static_cast<int32_t>(windows.rows.size()));
  windows.tokens.first.push_back(static_cast<int32_t>(windows.tokens.rows.size()));
}

}  // namespace

Windows cut_windows(const Sequences& sequences, std::array<int, 2> grid, int side) {
  if (side < 1) fail("windows of {} x {} patches; expected at least 1", side, side);
  Windows windows;
  windows.patches = side * side;
  windows.first = windows.tokens.first = {0};
  windows.back = {sequences, std::vector<int32_t>(sequences.back())};
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    const int32_t tokens = sequences[image + 1] - sequences[image];
    if (tokens != grid[0] * grid[1]) {
      fail("{} tokens for windows of {} rows of {} patches; expected these alone", tokens, grid[0],
           grid[1]);
    }
    for (int top = 0; top < grid[0]; top += side) {
      for (int left = 0; left < grid[1]; left += side) {
        add_window(windows, sequences[image], grid, side, top, left);
      }
    }
  }
  if (windows.rows.size() == windows.tokens.rows.size()) windows.log_sizes.clear();
  return windows;
}

}  // namespace fovea
