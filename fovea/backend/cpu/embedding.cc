// What the CPU backend does once to the weights of a model's embedding, and adding them to patches.
#include <algorithm>
#include <cmath>
#include <utility>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {

CpuLinear Cpu::make_convolution(const Weight& weight, const Weight& bias,
                                const std::optional<BatchNorm>& norm, RowOrder order) {
  const Shape& shape = weight.values.shape;
  const int64_t out = shape[0];
  const int64_t in = shape[1];
  const int64_t area = shape[2] * shape[3];
  Array rows({out, in * area});
  Array offset({out});
  for (int64_t o = 0; o < out; ++o) {
    const double factor =
        norm ? norm->gamma.values.data[o] / std::sqrt(norm->variance.values.data[o] + norm->eps)
             : 1.0;
    const float before = bias.values.empty() ? 0.0F : bias.values.data[o];
    offset.data[o] = norm ? static_cast<float>((before - norm->mean.values.data[o]) * factor +
                                               norm->beta.values.data[o])
                          : before;
    for (int64_t i = 0; i < in * area; ++i) {
      const int64_t to = order == RowOrder::channels_first ? i : i % area * in + i / area;
      rows.data[o * in * area + to] =
          static_cast<float>(weight.values.data[o * in * area + i] * factor);
    }
  }
  return make_linear({std::move(rows)}, {std::move(offset)});
}

Cpu::Rows Cpu::cross(const Rows& leading, const Rows& outer, const Rows& inner) {
  const int64_t channels = outer.shape.back();
  std::vector<float> values = leading.data;
  for (auto row = outer.data.begin(); row < outer.data.end(); row += channels) {
    for (size_t i = 0; i < inner.data.size(); ++i) {
      values.push_back(row[static_cast<int64_t>(i) % channels] + inner.data[i]);
    }
  }
  const auto rows = static_cast<int64_t>(values.size()) / channels;
  return {{1, rows, channels}, std::move(values)};
}

CpuPositions Cpu::positions(std::span<const Rows> prefix, const Rows& table,
                            const PositionMap& map) {
  CpuPositions positions;
  for (const Rows& rows : prefix) {
    positions.prefix.insert(positions.prefix.end(), rows.data.begin(), rows.data.end());
  }
  if (!map.fixed.empty()) positions.patches = map.fixed.data;
  if (table.empty()) return positions;
  const int64_t channels = table.shape.back();
  const int64_t first = map.prefix * channels;
  // A table made for the class token alone leaves the registers without positions.
  for (int64_t i = 0; i < first; ++i) positions.prefix[i] += table.data[i];
  positions.patches.assign(table.data.begin() + first, table.data.end());
  if (map.is_resampled()) positions.patches = resample(positions.patches, channels, map);
  return positions;
}

Tensor Cpu::repeat(const Rows& rows, int64_t batch) {
  const int64_t channels = rows.shape.back();
  const int64_t count = elements(rows.shape) / channels;
  auto sequences = std::make_shared<Sequences>();
  for (int64_t b = 0; b <= batch; ++b) sequences->push_back(static_cast<int32_t>(b * count));
  Tensor out = make(std::move(sequences), channels);
  for (int64_t i = 0; i < out.rows(); ++i) {
    std::copy_n(rows.data.data() + i % count * channels, channels, out.row(i));
  }
  return out;
}

Tensor Cpu::embed(const Tensor& patches, const Positions& positions) {
  const int64_t channels = patches.channels();
  const int64_t extra = static_cast<int64_t>(positions.prefix.size()) / channels;
  Tensor out = make(sequences_of(patches, [&](int64_t n) { return n + extra; }), channels);
  for (int64_t b = 0; b < patches.batch(); ++b) {
    for (int64_t i = 0; i < extra; ++i) {
      std::copy_n(positions.prefix.data() + i * channels, channels, out.row(out.first(b) + i));
    }
    for (int64_t i = 0; i < patches.tokens(b); ++i) {
      const float* patch = patches.row(patches.first(b) + i);
      const float* position = positions.patches.data() + i * channels;
      float* row = out.row(out.first(b) + extra + i);
      for (int64_t c = 0; c < channels; ++c)
        row[c] = positions.patches.empty() ? patch[c] : patch[c] + position[c];
    }
  }
  return out;
}

}  // namespace fovea
