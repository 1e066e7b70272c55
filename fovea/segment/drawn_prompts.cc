#include "fovea/segment/drawn_prompts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <utility>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

constexpr std::array kKinds = {std::pair("point", PromptKind::point),
                               std::pair("points3", PromptKind::points3),
                               std::pair("box", PromptKind::box)};

// The n-th pixel that is 1, column by column.
std::array<float, 2> pixel_of(const Rle& mask, int64_t n) {
  int64_t place = 0;
  for (size_t run = 0; run < mask.counts.size(); ++run) {
    const int64_t count = mask.counts[run];
    if (run % 2 == 1) {
      if (n < count) {
        place += n;
        break;
      }
      n -= count;
    }
    place += count;
  }
  return {static_cast<float>(place / mask.height), static_cast<float>(place % mask.height)};
}

void add_point(const Rle& mask, Random& random, Prompt& prompt) {
  prompt.points.push_back(pixel_of(mask, random.below(area_of(mask))));
  prompt.labels.push_back(1);
}

// Places in a square mask that pass.
template <typename Passes>
std::vector<int> places(const TrainingMask& mask, const Passes& passes) {
  std::vector<int> found;
  for (int place = 0; place < mask.side * mask.side; ++place) {
    if (passes(place)) found.push_back(place);
  }
  return found;
}

// The middle of a mask's pixel, as the number of a picture's pixel.
float middle(int at, const TrainingMask& mask) {
  return (static_cast<float>(at) + 0.5F) * mask.pixel - 0.5F;
}

void add_point(const TrainingMask& mask, int place, int label, Prompt& prompt) {
  prompt.points.push_back({middle(place % mask.side, mask), middle(place / mask.side, mask)});
  prompt.labels.push_back(label);
}

// Corners of the box along one axis, from `first` to `last` of the mask's pixels.
std::array<float, 2> noisy_side(int first, int last, const TrainingMask& mask, Random& random) {
  constexpr double kNoise = 0.1;
  constexpr double kMost = 20;
  const double from = static_cast<double>(first) * mask.pixel;
  const double to = static_cast<double>(last + 1) * mask.pixel;
  const double deviation = std::min(kNoise * (to - from), kMost);
  const double end = static_cast<double>(mask.side) * mask.pixel;
  const double a = std::clamp(from + deviation * random.normal(), 0.0, end);
  const double b = std::clamp(to + deviation * random.normal(), 0.0, end);
  return {static_cast<float>(std::min(a, b)), static_cast<float>(std::max(a, b))};
}

}  // namespace

const char* name_of(PromptKind kind) {
  return std::find_if(kKinds.begin(), kKinds.end(),
                      [&](const auto& known) { return known.second == kind; })
      ->first;
}

std::vector<PromptKind> parse_prompt_kinds(const std::string& text, const std::string& option) {
  std::vector<PromptKind> kinds;
  std::istringstream words(text + ",");
  for (std::string word; std::getline(words, word, ',');) {
    const auto* const known = std::find_if(kKinds.begin(), kKinds.end(),
                                           [&](const auto& kind) { return word == kind.first; });
    if (known == kKinds.end()) {
      fail("{} {}: expected point, points3 and box, or some of them", option, printable(text));
    }
    if (std::find(kinds.begin(), kinds.end(), known->second) != kinds.end()) {
      fail("{} {}: {} twice; expected each kind once", option, printable(text), known->first);
    }
    kinds.push_back(known->second);
  }
  return kinds;
}

Prompt drawn_prompt(PromptKind kind, const Rle& mask, Random& random) {
  Prompt prompt;
  prompt.multimask = true;
  if (kind == PromptKind::box) {
    const auto [left, top, width, height] = box_of(mask);
    prompt.box = {static_cast<float>(left), static_cast<float>(top),
                  static_cast<float>(left + width), static_cast<float>(top + height)};
    return prompt;
  }
  const int count = kind == PromptKind::point ? 1 : 3;
  for (int i = 0; i < count; ++i) add_point(mask, random, prompt);
  return prompt;
}

Prompt first_prompt(const TrainingMask& mask, Random& random) {
  const std::vector<int> in = places(mask, [&](int place) { return mask.truth[place] != 0; });
  Prompt prompt;
  prompt.multimask = true;
  if (random.chance(0.5)) {
    add_point(mask, in[random.below(static_cast<int64_t>(in.size()))], 1, prompt);
    return prompt;
  }
  const auto [left, right] = std::minmax_element(
      in.begin(), in.end(), [&](int a, int b) { return a % mask.side < b % mask.side; });
  const auto [x0, x1] = noisy_side(*left % mask.side, *right % mask.side, mask, random);
  const auto [y0, y1] = noisy_side(in.front() / mask.side, in.back() / mask.side, mask, random);
  prompt.box = {x0, y0, x1, y1};
  return prompt;
}

void add_correction(const TrainingMask& mask, std::span<const float> logits, Random& random,
                    Prompt& prompt) {
  std::vector<int> where =
      places(mask, [&](int place) { return (logits[place] > 0) != (mask.truth[place] != 0); });
  if (where.empty()) where = places(mask, [&](int place) { return mask.truth[place] != 0; });
  const int place = where[random.below(static_cast<int64_t>(where.size()))];
  add_point(mask, place, mask.truth[place] != 0 ? 1 : 0, prompt);
}

}  // namespace fovea
