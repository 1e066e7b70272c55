#include "fovea/segment/everything.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "fovea/io/fail.h"
#include "fovea/segment/enlarge.h"
#include "fovea/segment/suppression.h"

namespace fovea {
namespace {

Prompt prompt_at(const std::array<float, 2>& point) {
  Prompt prompt;
  prompt.points = {point};
  prompt.labels = {1};
  prompt.multimask = true;
  return prompt;
}

// First and last pixel: the original takes the last as the side, which counts where boxes are
// small.
Box corners_of(const Rle& rle) {
  const auto [x, y, width, height] = box_of(rle);
  return {static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + width - 1),
          static_cast<float>(y + height - 1)};
}

// A mask that the model thinks good.
struct Candidate {
  std::span<const float> logits;
  float iou;
  std::array<float, 2> point;
};

std::vector<Candidate> candidates_of(std::span<const Answer> answers,
                                     std::span<const std::array<float, 2>> points,
                                     double least_iou) {
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < answers.size(); ++i) {
    const Answer& answer = answers[i];
    const size_t pixels = answer.logits.data.size() / answer.iou.size();
    for (size_t m = 0; m < answer.iou.size(); ++m) {
      if (!(answer.iou[m] > least_iou)) continue;
      candidates.push_back(
          {std::span(answer.logits.data).subspan(m * pixels, pixels), answer.iou[m], points[i]});
    }
  }
  return candidates;
}

// Those of which it is sure, too, enlarged. That is most of the work beside the model's.
std::vector<FoundMask> sure_masks(std::span<const Candidate> candidates,
                                  const MaskEnlarger& enlarger, double least_stability,
                                  const ShareOut& share_out) {
  std::vector<std::optional<FoundMask>> masks(candidates.size());
  share_out(static_cast<int64_t>(candidates.size()), [&](int64_t i) {
    const Candidate& candidate = candidates[i];
    PictureMask enlarged = picture_mask(enlarger, candidate.logits);
    if (enlarged.stability < least_stability || area_of(enlarged.rle) == 0) return;
    masks[i] = {std::move(enlarged.rle), candidate.iou, enlarged.stability, candidate.point};
  });
  std::vector<FoundMask> good;
  for (std::optional<FoundMask>& mask : masks) {
    if (mask) good.push_back(std::move(*mask));
  }
  return good;
}

std::vector<FoundMask> without_doubles(std::vector<FoundMask> masks, double most_overlap) {
  std::vector<Box> boxes;
  std::vector<float> scores;
  for (const FoundMask& mask : masks) {
    boxes.push_back(corners_of(mask.rle));
    scores.push_back(mask.iou);
  }
  std::vector<FoundMask> kept;
  for (const size_t i : suppress(boxes, scores, most_overlap)) kept.push_back(std::move(masks[i]));
  return kept;
}

}  // namespace

void check(const EverythingOptions& options) {
  constexpr int kMostPoints = 1024;
  const auto is_share = [](double number) { return number >= 0 && number <= 1; };
  if (options.points_per_side < 1 || options.points_per_side > kMostPoints) {
    fail("{} points a side; expected from 1 to {}", options.points_per_side, kMostPoints);
  }
  if (options.prompts_at_once < 1) {
    fail("{} prompts at once; expected at least 1", options.prompts_at_once);
  }
  for (const double number : {options.least_iou, options.least_stability, options.most_overlap}) {
    if (!is_share(number)) fail("a limit of {}; expected from 0 to 1", number);
  }
}

std::vector<std::array<float, 2>> grid_points(int per_side, int width, int height) {
  const auto middle = [&](int i, int side) {
    return static_cast<float>((i + 0.5) / per_side * side);
  };
  std::vector<std::array<float, 2>> points;
  for (int y = 0; y < per_side; ++y) {
    for (int x = 0; x < per_side; ++x) points.push_back({middle(x, width), middle(y, height)});
  }
  return points;
}

std::vector<FoundMask> segment_everything(const PicturePlace& placement,
                                          const EverythingOptions& options, const AskAll& ask,
                                          const ShareOut& share_out) {
  check(options);
  const std::vector<std::array<float, 2>> points =
      grid_points(options.points_per_side, placement.width, placement.height);
  std::optional<MaskEnlarger> enlarger;
  std::vector<FoundMask> found;
  for (size_t begin = 0; begin < points.size(); begin += options.prompts_at_once) {
    const auto group = std::span(points).subspan(
        begin, std::min<size_t>(options.prompts_at_once, points.size() - begin));
    std::vector<Prompt> prompts;
    for (const auto& point : group) prompts.push_back(placed(prompt_at(point), placement));
    const std::vector<Answer> answers = ask(prompts);
    if (!enlarger) enlarger.emplace(placement, static_cast<int>(answers[0].logits.shape[1]));
    std::vector<FoundMask> good = sure_masks(candidates_of(answers, group, options.least_iou),
                                             *enlarger, options.least_stability, share_out);
    std::move(good.begin(), good.end(), std::back_inserter(found));
  }
  return without_doubles(std::move(found), options.most_overlap);
}

}  // namespace fovea
