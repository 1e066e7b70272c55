// Everything mode: a grid of points is asked for, and of the masks that come back those stay that
// the model is sure of.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "fovea/api.h"
#include "fovea/segment/answer.h"
#include "fovea/segment/placement.h"
#include "fovea/segment/prompt.h"
#include "fovea/segment/rle.h"

namespace fovea {

struct EverythingOptions {
  int points_per_side = 32;
  double least_iou = 0.88;        // the model's own estimate must be above it
  double least_stability = 0.95;  // PictureMask::stability must reach it
  double most_overlap = 0.7;      // of the boxes of two masks; else the better one stays
  int prompts_at_once = 32;       // memory is taken for so many answers
};
// Throws Error for what is no such number.
FOVEA_API void check(const EverythingOptions& options);

// A mask that stays.
struct FoundMask {
  Rle rle;  // at the picture's size
  float iou = 0;
  double stability = 0;
  std::array<float, 2> point = {};  // that was asked for, in the picture's pixels
};

// per_side x per_side points, row by row, each in the middle of its part of the picture.
FOVEA_API std::vector<std::array<float, 2>> grid_points(int per_side, int width, int height);

// Answers prompts, in pixels of the square.
using AskAll = std::function<std::vector<Answer>(std::span<const Prompt> prompts)>;
// Calls work(i) for every i of [0, count), perhaps several at once.
using ShareOut = std::function<void(int64_t count, const std::function<void(int64_t)>& work)>;

// The masks of a picture, the best estimate first.
FOVEA_API std::vector<FoundMask> segment_everything(const PicturePlace& placement,
                                                    const EverythingOptions& options,
                                                    const AskAll& ask, const ShareOut& share_out);

}  // namespace fovea
