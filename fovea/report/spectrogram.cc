#include "fovea/report/spectrogram.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "fovea/report/heat.h"

namespace fovea {
namespace {

const float kRange = 8 * std::log(10.0F);  // 80 dB

}  // namespace

Spectrogram spectrogram_of(std::span<const float> log_mel, int filters, int frames, int bins) {
  Spectrogram drawn{frames, bins, {}};
  for (int bin = bins - 1; bin >= 0; --bin) {
    for (int frame = 0; frame < frames; ++frame) {
      drawn.levels.push_back(log_mel[static_cast<size_t>(frame) * filters + bin]);
    }
  }
  const auto [least, most] = std::minmax_element(drawn.levels.begin(), drawn.levels.end());
  const float loudest = *most;
  const float quietest = std::max(*least, loudest - kRange);
  const float range = loudest - quietest;
  for (float& level : drawn.levels) {
    level = range > 0 ? std::max(0.0F, (level - quietest) / range) : 0;
  }
  return drawn;
}

Image draw_spectrogram(const Spectrogram& spectrogram, int enlarged) {
  Image image{spectrogram.frames * enlarged, spectrogram.bins * enlarged, {}};
  for (int y = 0; y < image.height; ++y) {
    const auto row = spectrogram.levels.begin() + std::ptrdiff_t{y / enlarged} * spectrogram.frames;
    for (int x = 0; x < image.width; ++x) {
      const Rgb colour = heat_colour(row[x / enlarged]);
      image.rgb.insert(image.rgb.end(), colour.begin(), colour.end());
    }
  }
  return image;
}

GroupColours level_colours(const Spectrogram& spectrogram, const PatchLabels& labels) {
  struct Sum {
    double level = 0;
    double count = 0;
  };
  std::unordered_map<int32_t, Sum> sums;
  for (size_t i = 0; i < spectrogram.levels.size(); ++i) {
    Sum& sum = sums[labels.of[i]];
    sum.level += spectrogram.levels[i];
    ++sum.count;
  }
  GroupColours colours;
  for (const auto& [label, sum] : sums) colours[label] = heat_colour(sum.level / sum.count);
  return colours;
}

}  // namespace fovea
