// How well a model finds true masks by prompts that are drawn from them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "fovea/data/segmented.h"
#include "fovea/report/instance_precision.h"
#include "fovea/report/mask_iou.h"
#include "fovea/segment/drawn_prompts.h"

namespace fovea {

// What a model answers to one prompt: masks of the picture's size, and its estimate of each one's
// IoU.
struct MaskAnswer {
  std::vector<Rle> masks;
  std::vector<float> estimates;
};

struct MaskScoring {
  std::vector<PromptKind> kinds = {PromptKind::point, PromptKind::points3, PromptKind::box};
  uint64_t seed = 0;         // of what is drawn
  int64_t least_area = 100;  // smaller segments don't count, in pixels
};

class MaskScores {
 public:
  explicit MaskScores(const MaskScoring& scoring);

  // Answers to prompts of one picture, in their order.
  using Ask = std::function<std::vector<MaskAnswer>(std::span<const Prompt> prompts)>;
  // Draws a prompt of each kind from every mask of a picture that is no crowd; what is drawn
  // depends on the seed, the number of the picture and of the mask. Each segmentation of the
  // picture, where several people made one, is a picture of its own for the average precision, the
  // mask that the model thinks best a detection, its estimate the score.
  void add(int64_t picture, std::span<const TrueMask> truths, const Ask& ask);

  struct OfKind {
    PromptKind kind;
    MaskIou iou;
    InstancePrecision precision;
  };
  const std::vector<OfKind>& kinds() const { return kinds_; }
  static constexpr int kAp75 = 5;  // InstancePrecision::at it is at an IoU of .75
  // Masks that counted, of each kind.
  int64_t masks() const { return kinds_.empty() ? 0 : kinds_.front().iou.masks; }

 private:
  void add(OfKind& scores, int64_t picture, std::span<const TrueMask> truths, const Ask& ask) const;

  MaskScoring scoring_;
  std::vector<OfKind> kinds_;
};

}  // namespace fovea
