#include "fovea/segment/answer.h"

#include "fovea/io/fail.h"

namespace fovea {

std::vector<int32_t> pixels_of_rows(const Grid& cells) {
  const int width = 4 * cells.columns;
  std::vector<int32_t> pixels;
  pixels.reserve(16 * cells.size());
  for (int64_t row = 0; row < 16 * cells.size(); ++row) {
    const auto cell = static_cast<int>(row / 16);
    const auto within = static_cast<int>(row % 16);  // bits: quarter's y, x, pixel's y, x
    const int y = cell / cells.columns * 4 + (within >> 3) * 2 + (within >> 1 & 1);
    const int x = cell % cells.columns * 4 + (within >> 2 & 1) * 2 + (within & 1);
    pixels.push_back(y * width + x);
  }
  return pixels;
}

Answer answer_of(std::span<const float> logits, std::span<const float> iou, bool multimask,
                 const Grid& cells, std::span<const int32_t> pixels) {
  const auto all = static_cast<int64_t>(iou.size());
  const int64_t first = multimask ? 1 : 0;
  const int64_t count = multimask ? all - 1 : 1;
  Answer answer{Array({count, 4 * cells.rows, 4 * cells.columns}), {}};
  for (int64_t mask = 0; mask < count; ++mask) {
    answer.iou.push_back(iou[first + mask]);
    float* out = answer.logits.data.data() + mask * static_cast<int64_t>(pixels.size());
    const float* from = logits.data() + first + mask;
    for (size_t row = 0; row < pixels.size(); ++row, from += all) out[pixels[row]] = *from;
  }
  return answer;
}

void check_embedding(const Shape& rows, const Grid& cells, int width) {
  const Shape expected = {cells.size(), width};
  if (rows == expected) return;
  fail("the embedding is {}; expected {} for {} x {} cells of this model", to_string(rows),
       to_string(expected), cells.rows, cells.columns);
}

}  // namespace fovea
