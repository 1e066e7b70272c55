// What Segment Anything is asked of a picture.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "fovea/api.h"
#include "fovea/io/array.h"

namespace fovea {

// Points, a box and a mask, each but one optional, that together mean one thing in the picture.
// Points count pixels as SAM does: 0, 0 is the middle of the first pixel of the first row.
struct Prompt {
  std::string name = {};                          // stands in messages and outputs; may be empty
  std::vector<std::array<float, 2>> points = {};  // x, y
  std::vector<int> labels = {};                   // one a point: 1 in what is meant, 0 beside it
  std::optional<std::array<float, 4>> box = {};   // x0, y0, x1, y1
  Array mask = {};         // [1, S/4, S/4]: an earlier answer's logits; or empty
  bool multimask = false;  // three masks, for prompts that may mean several things
};

// Throws Error, with the prompt's name where it has one, unless it has a part, a label of 0 or 1
// for every point, points within a picture of these sides (below them, and from 0), a box within it
// (up to its sides) that has an area, and finite numbers in its mask. The mask's extents are the
// model's to know.
FOVEA_API void check_prompt(const Prompt& prompt, int width, int height);

}  // namespace fovea
