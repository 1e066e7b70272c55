// Shades and colours of routed patches, pixel by pixel.
#include "fovea/report/routes.h"

#include <algorithm>
#include <iterator>

#include "fovea/report/heat.h"

namespace fovea {
namespace {

// Three parts of the colour to one of what it lies on.
Rgb seen_through(const Rgb& colour, const Rgb& below) {
  const int grey = grey_of(below);
  Rgb mixed;
  std::transform(colour.begin(), colour.end(), mixed.begin(),
                 [&](uint8_t c) { return static_cast<uint8_t>((3 * c + grey + 2) / 4); });
  return mixed;
}

Rgb shaded(const Rgb& colour) {
  const auto grey = static_cast<uint8_t>(16 + grey_of(colour) / 4);
  return {grey, grey, grey};
}

}  // namespace

std::vector<int32_t> took_big_path(const std::map<int, IntArray>& routes, const IntArray& trace,
                                   int64_t image, int layer, int prefix) {
  const int64_t positions = trace.shape[2];
  std::vector<int32_t> taken(positions - prefix, 1);
  const auto next = routes.lower_bound(layer);
  if (next == routes.begin()) return taken;
  const auto& [predicted, route] = *std::prev(next);
  // The token of each position after a layer, from 1.
  const auto tokens_after = [&](int after) {
    return trace.data.begin() + (image * trace.shape[1] + after - 1) * positions;
  };
  // -1 stands behind fewer than other images have.
  const auto selected = route.data.begin() + image * route.shape[1];
  const auto last = std::find(selected, selected + route.shape[1], -1);
  const auto before = tokens_after(predicted);
  const auto now = tokens_after(layer - 1);
  std::vector<bool> is_big(positions, false);
  for (int64_t i = 0; i < positions; ++i) {
    if (now[i] >= 0 && std::binary_search(selected, last, before[i])) {
      is_big[now[i]] = true;
    }
  }
  for (int64_t i = prefix; i < positions; ++i) {
    taken[i - prefix] = now[i] >= 0 && is_big[now[i]] ? 1 : 0;
  }
  return taken;
}

Image draw_route(const Image& picture, const PatchLabels& taken) {
  return draw_patches(picture, taken, Lines::between,
                      [](int32_t label, const Rgb& was, int /*x*/, int /*y*/) {
                        return label != 0 ? was : shaded(was);
                      });
}

Image draw_heat(const Image& picture, const PatchLabels& counts, int most) {
  return draw_patches(picture, counts, Lines::none,
                      [&](int32_t label, const Rgb& was, int /*x*/, int /*y*/) {
                        const double share = static_cast<double>(label) / most;
                        return seen_through(heat_colour(share), was);
                      });
}

}  // namespace fovea
