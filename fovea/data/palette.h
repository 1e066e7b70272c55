// Few colours for many: what formats with palettes need.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "fovea/data/image.h"

namespace fovea {

// At most `most` colours that the pixels can be shown in: just theirs where they have no more; else
// the means of boxes cut where colours vary the most (after Heckbert's median cut), refined by
// k-means.
std::vector<Rgb> choose_palette(std::span<const Rgb> pixels, int most);

// Finds the colour of a palette that is nearest to another one; remembers what was asked for.
class NearestColour {
 public:
  explicit NearestColour(std::span<const Rgb> palette) : palette_(palette) {}
  int operator()(const Rgb& colour);

 private:
  std::span<const Rgb> palette_;  // the caller's
  std::unordered_map<uint32_t, int> known_;
};

}  // namespace fovea
