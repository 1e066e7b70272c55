// What Segment Anything answers to a prompt, on the host.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/io/array.h"

namespace fovea {

// One mask, or three of an ambiguous prompt, in the model's own order.
struct Answer {
  Array logits;            // [masks, S/4, S/4], at a quarter of the input's sides
  std::vector<float> iou;  // of each, as the model estimates it
};

// The pixel, row by row, that each row of Decoded::masks is: for h x w cells [16 h w].
std::vector<int32_t> pixels_of_rows(const Grid& cells);

// One prompt's part of Decoded: logits [16 h w, all masks] and estimates of all. Where one mask is
// wanted it is the first, else all others. `pixels`: of the rows of h x w cells.
Answer answer_of(std::span<const float> logits, std::span<const float> iou, bool multimask,
                 const Grid& cells, std::span<const int32_t> pixels);

// Throws Error unless an embedding has a row of `width` channels for each cell.
void check_embedding(const Shape& rows, const Grid& cells, int width);

}  // namespace fovea
