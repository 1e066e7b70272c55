// Extents in time and space, the same for all rooms: of inputs in pixels, of patches, and of a
// patch's own pixels.
#pragma once

#include <cstdint>

namespace fovea {

// Time outermost, then rows, then columns. A picture is one frame.
struct Grid {
  int frames = 1;
  int rows = 0;
  int columns = 0;

  Grid() = default;
  Grid(int height, int width) : rows(height), columns(width) {}
  Grid(int depth, int height, int width) : frames(depth), rows(height), columns(width) {}

  bool empty() const { return size() == 0; }
  int64_t size() const { return int64_t{frames} * rows * columns; }
  int64_t frame_size() const { return int64_t{rows} * columns; }

  // How many of that extent lie along each axis.
  Grid operator/(const Grid& each) const {
    return {frames / each.frames, rows / each.rows, columns / each.columns};
  }
  Grid operator*(const Grid& each) const {
    return {frames * each.frames, rows * each.rows, columns * each.columns};
  }
  bool operator==(const Grid& other) const = default;
};

// At how many places along each axis a box of the extents `each` lies whole within `all`, where it
// moves by `step`.
inline Grid places_within(const Grid& all, const Grid& each, const Grid& step) {
  const auto along = [](int whole, int part, int by) {
    return whole < part ? 0 : (whole - part) / by + 1;
  };
  return {along(all.frames, each.frames, step.frames), along(all.rows, each.rows, step.rows),
          along(all.columns, each.columns, step.columns)};
}

}  // namespace fovea
