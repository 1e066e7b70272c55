#include "fovea/model/relative.h"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

// Where an output lies between two inputs.
struct Between {
  int64_t first, second;
  float share;  // of the second
};

Between between(int64_t i, int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double at = std::max(0.0, scale * (static_cast<double>(i) + 0.5) - 0.5);
  const int64_t first = std::min(from - 1, static_cast<int64_t>(at));
  return {first, std::min(from - 1, first + 1),
          static_cast<float>(at - static_cast<double>(first))};
}

}  // namespace

Array resample_biases(const Array& table, const Grid& from, const Grid& to) {
  const int64_t heads = table.shape[1];
  const int64_t rows = 2 * int64_t{from.rows} - 1;
  const int64_t columns = 2 * int64_t{from.columns} - 1;
  const int64_t new_rows = 2 * int64_t{to.rows} - 1;
  const int64_t new_columns = 2 * int64_t{to.columns} - 1;
  Array out({new_rows * new_columns + 3, heads});
  for (int64_t y = 0; y < new_rows; ++y) {
    const Between v = between(y, rows, new_rows);
    for (int64_t x = 0; x < new_columns; ++x) {
      const Between h = between(x, columns, new_columns);
      for (int64_t head = 0; head < heads; ++head) {
        const auto at = [&](int64_t row, int64_t column) {
          return table.data[(row * columns + column) * heads + head];
        };
        const float above = at(v.first, h.first) * (1 - h.share) + at(v.first, h.second) * h.share;
        const float below =
            at(v.second, h.first) * (1 - h.share) + at(v.second, h.second) * h.share;
        out.data[(y * new_columns + x) * heads + head] = above * (1 - v.share) + below * v.share;
      }
    }
  }
  std::copy_n(table.data.end() - 3 * heads, 3 * heads, out.data.end() - 3 * heads);
  return out;
}

Array resample_table(const Array& table, int64_t count) {
  const int64_t from = table.shape[0];
  const int64_t width = table.shape[1];
  Array out({count, width});
  for (int64_t i = 0; i < count; ++i) {
    const Between at = between(i, from, count);
    for (int64_t c = 0; c < width; ++c) {
      out.data[i * width + c] = table.data[at.first * width + c] * (1 - at.share) +
                                table.data[at.second * width + c] * at.share;
    }
  }
  return out;
}

}  // namespace fovea
