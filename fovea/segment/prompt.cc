#include "fovea/segment/prompt.h"

#include <algorithm>
#include <cmath>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

void check_points(const Prompt& prompt, const std::string& whose, int width, int height) {
  if (prompt.labels.size() != prompt.points.size()) {
    fail("{}{} points with {} labels; expected a label for each", whose, prompt.points.size(),
         prompt.labels.size());
  }
  for (size_t i = 0; i < prompt.points.size(); ++i) {
    const auto [x, y] = prompt.points[i];
    const bool inside = x >= 0 && x < static_cast<float>(width) && y >= 0 &&
                        y < static_cast<float>(height);  // of no number either
    if (!inside) {
      fail("{}the point {},{} lies outside of the picture of {} x {} pixels", whose, x, y, width,
           height);
    }
    if (prompt.labels[i] != 0 && prompt.labels[i] != 1) {
      fail("{}the point {},{} has the label {}; expected 1 or 0", whose, x, y, prompt.labels[i]);
    }
  }
}

void check_box(const std::array<float, 4>& box, const std::string& whose, int width, int height) {
  const auto [x0, y0, x1, y1] = box;
  const bool inside = std::min(x0, x1) >= 0 && std::max(x0, x1) <= static_cast<float>(width) &&
                      std::min(y0, y1) >= 0 && std::max(y0, y1) <= static_cast<float>(height);
  if (!std::all_of(box.begin(), box.end(), [](float side) { return std::isfinite(side); }) ||
      !inside) {
    fail("{}the box {},{},{},{} lies outside of the picture of {} x {} pixels", whose, x0, y0, x1,
         y1, width, height);
  }
  if (x0 >= x1 || y0 >= y1) {
    fail("{}the box {},{},{},{} has no area; expected its upper left and its lower right corner",
         whose, x0, y0, x1, y1);
  }
}

}  // namespace

void check_prompt(const Prompt& prompt, int width, int height) {
  const std::string whose = prompt.name.empty() ? "" : "prompt " + printable(prompt.name) + ": ";
  if (prompt.points.empty() && !prompt.box && prompt.mask.empty()) {
    fail("{}nothing is asked for; expected points, a box or a mask", whose);
  }
  check_points(prompt, whose, width, height);
  if (prompt.box) check_box(*prompt.box, whose, width, height);
  const auto finite = [](float logit) { return std::isfinite(logit); };
  if (!std::all_of(prompt.mask.data.begin(), prompt.mask.data.end(), finite)) {
    fail("{}its mask has values that are not finite; expected logits", whose);
  }
}

}  // namespace fovea
