#include "fovea/segment/enlarge.h"

#include <algorithm>
#include <cmath>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

// The two inputs that one output takes, and how much of the second.
struct Pair {
  int first;
  int second;
  double share;
};

// Half-pixel centres, not antialiased, edges repeated: torch's interpolate.
Pair pair_of(int output, int from, int to) {
  const double centre =
      std::max(0.0, (output + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5);
  const int first = std::min(static_cast<int>(centre), from - 1);
  return {first, std::min(first + 1, from - 1), centre - first};
}

}  // namespace

// `from` values become `side`, of which `kept` become `to`.
std::vector<MaskEnlarger::Blend> MaskEnlarger::blends(int from, int side, int kept, int to) {
  std::vector<Blend> result(to);
  for (int i = 0; i < to; ++i) {
    const Pair outer = pair_of(i, kept, to);
    std::array<double, kTaps> weights = {};
    // So that all three are there.
    const int first = std::min(pair_of(outer.first, from, side).first, std::max(0, from - kTaps));
    for (const auto& [place, share] :
         {std::pair{outer.first, 1 - outer.share}, std::pair{outer.second, outer.share}}) {
      const Pair inner = pair_of(place, from, side);
      weights[inner.first - first] += share * (1 - inner.share);
      weights[inner.second - first] += share * inner.share;
    }
    result[i].first = first;
    std::copy(weights.begin(), weights.end(), result[i].weights.begin());
  }
  return result;
}

MaskEnlarger::MaskEnlarger(const PicturePlace& placement, int low_side)
    : low_side_(low_side), width_(placement.width), height_(placement.height) {
  if (low_side < kTaps || low_side > placement.side) {
    fail("masks of {} x {} logits for a square of {} x {}; expected from {} to its side", low_side,
         low_side, placement.side, placement.side, kTaps);
  }
  columns_ = blends(low_side, placement.side, placement.scaled_width, width_);
  rows_ = blends(low_side, placement.side, placement.scaled_height, height_);
}

void MaskEnlarger::widen(const float* row, std::vector<float>& wide) const {
  for (int x = 0; x < width_; ++x) {
    const Blend& blend = columns_[x];
    const float* from = row + blend.first;
    wide[x] = from[0] * blend.weights[0] + from[1] * blend.weights[1] + from[2] * blend.weights[2];
  }
}

void MaskEnlarger::enlarge(std::span<const float> logits, const TakeRow& take) const {
  const int64_t expected = int64_t{low_side_} * low_side_;
  if (static_cast<int64_t>(logits.size()) != expected) {
    fail("{} logits of a mask; expected {} x {}", logits.size(), low_side_, low_side_);
  }
  // The mask's rows that are at hand, as wide as the picture.
  std::array<std::vector<float>, kTaps> wide;
  for (std::vector<float>& row : wide) row.resize(width_);
  std::vector<float> out(width_);
  int next = 0;
  for (const Blend& blend : rows_) {
    for (next = std::max(next, blend.first); next < blend.first + kTaps; ++next) {
      widen(logits.data() + int64_t{next} * low_side_, wide[next % kTaps]);
    }
    const float* a = wide[blend.first % kTaps].data();
    const float* b = wide[(blend.first + 1) % kTaps].data();
    const float* c = wide[(blend.first + 2) % kTaps].data();
    const auto [of_a, of_b, of_c] = blend.weights;
    for (int x = 0; x < width_; ++x) out[x] = a[x] * of_a + b[x] * of_b + c[x] * of_c;
    take(out);
  }
}

PictureMask picture_mask(const MaskEnlarger& enlarger, std::span<const float> logits) {
  RleBuilder builder(enlarger.height(), enlarger.width());
  std::vector<uint8_t> row_of_mask(enlarger.width());
  int64_t sure = 0;
  int64_t perhaps = 0;
  enlarger.enlarge(logits, [&](std::span<const float> row) {
    int sure_here = 0;
    int perhaps_here = 0;
    for (size_t x = 0; x < row.size(); ++x) {
      row_of_mask[x] = row[x] > 0;
      sure_here += row[x] > 1;
      perhaps_here += row[x] > -1;
    }
    sure += sure_here;
    perhaps += perhaps_here;
    builder.add_row(row_of_mask.data());
  });
  const double stability =
      perhaps == 0 ? 0 : static_cast<double>(sure) / static_cast<double>(perhaps);
  return {builder.finish(), stability};
}

}  // namespace fovea
