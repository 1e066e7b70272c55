#include "fovea/report/mask_scores.h"

#include <algorithm>
#include <map>
#include <utility>

namespace fovea {

MaskScores::MaskScores(const MaskScoring& scoring) : scoring_(scoring) {
  for (const PromptKind kind : scoring.kinds) {
    kinds_.push_back({kind, {}, InstancePrecision(scoring.least_area)});
  }
}

void MaskScores::add(int64_t picture, std::span<const TrueMask> truths, const Ask& ask) {
  for (OfKind& scores : kinds_) add(scores, picture, truths, ask);
}

void MaskScores::add(OfKind& scores, int64_t picture, std::span<const TrueMask> truths,
                     const Ask& ask) const {
  std::vector<size_t> counted;
  std::vector<Prompt> prompts;
  for (size_t i = 0; i < truths.size(); ++i) {
    const int64_t area = area_of(truths[i].mask);
    if (truths[i].crowd || area < std::max<int64_t>(scoring_.least_area, 1)) continue;
    Random random(
        {scoring_.seed, static_cast<uint64_t>(picture), i, static_cast<uint64_t>(scores.kind)});
    prompts.push_back(drawn_prompt(scores.kind, truths[i].mask, random));
    counted.push_back(i);
  }

  using Key = std::pair<int, int64_t>;  // a segmentation of the picture, a category
  std::map<Key, std::vector<Detection>> found;
  std::map<Key, std::vector<Truth>> there;
  for (const TrueMask& truth : truths) {
    there[{truth.drawing, truth.category}].push_back({truth.mask, truth.crowd});
  }
  const std::vector<MaskAnswer> answers =
      prompts.empty() ? std::vector<MaskAnswer>{} : ask(prompts);
  for (size_t i = 0; i < counted.size(); ++i) {
    const TrueMask& truth = truths[counted[i]];
    const auto& [masks, estimates] = answers[i];
    std::vector<double> ious;
    ious.reserve(masks.size());
    for (const Rle& mask : masks) ious.push_back(intersection_over_union(mask, truth.mask));
    scores.iou.add(estimates, ious);
    const auto best = std::max_element(estimates.begin(), estimates.end()) - estimates.begin();
    found[{truth.drawing, truth.category}].push_back({masks[best], estimates[best]});
  }
  for (const auto& [key, truth] : there) {
    scores.precision.add(key.second, found[key], truth);
  }
}

}  // namespace fovea
