// Cutting the space of colours into boxes, and moving their means to where the pixels are.
#include "fovea/data/palette.h"

#include <algorithm>
#include <numeric>

namespace fovea {
namespace {

// A colour, or the mean of several, and how many pixels have it.
struct Colour {
  std::array<float, 3> rgb = {};
  float pixels = 0;
};

// How much a difference in red, green and blue matters to the eye.
constexpr std::array<float, 3> kWeight = {2, 4, 1.5F};

float distance(const std::array<float, 3>& a, const std::array<float, 3>& b) {
  float sum = 0;
  for (int c = 0; c < 3; ++c) sum += kWeight[c] * (a[c] - b[c]) * (a[c] - b[c]);
  return sum;
}

uint32_t packed(const Rgb& colour) {
  return uint32_t{colour[0]} << 16 | uint32_t{colour[1]} << 8 | colour[2];
}

// Distinct colours; those that agree in all but the last `bits` bits of each channel become one.
std::vector<Colour> distinct_colours(std::span<const Rgb> pixels, int bits) {
  const uint32_t mask = 0xFFU >> bits << bits;
  std::unordered_map<uint32_t, std::array<double, 4>> sums;
  for (const Rgb& pixel : pixels) {
    std::array<double, 4>& sum = sums[packed(pixel) & (mask << 16 | mask << 8 | mask)];
    for (int c = 0; c < 3; ++c) sum[c] += pixel[c];
    sum[3] += 1;
  }
  std::vector<std::pair<uint32_t, std::array<double, 4>>> sorted(sums.begin(), sums.end());
  std::sort(sorted.begin(), sorted.end());  // the same palette on every machine
  std::vector<Colour> colours;
  for (const auto& [key, sum] : sorted) {
    Colour colour;
    for (int c = 0; c < 3; ++c) colour.rgb[c] = static_cast<float>(sum[c] / sum[3]);
    colour.pixels = static_cast<float>(sum[3]);
    colours.push_back(colour);
  }
  return colours;
}

// Some of the colours: [begin, end).
struct Box {
  Box(std::vector<Colour>& colours, size_t from, size_t to) : begin(from), end(to) {
    double pixels = 0;
    std::array<double, 3> sum = {};
    std::array<double, 3> squares = {};
    for (size_t i = begin; i < end; ++i) {
      const Colour& colour = colours[i];
      pixels += colour.pixels;
      for (int c = 0; c < 3; ++c) {
        sum[c] += double{colour.pixels} * colour.rgb[c];
        squares[c] += double{colour.pixels} * colour.rgb[c] * colour.rgb[c];
      }
    }
    for (int c = 0; c < 3; ++c) {
      mean[c] = static_cast<float>(sum[c] / pixels);
      const double spread = kWeight[c] * (squares[c] - sum[c] * sum[c] / pixels);
      if (spread <= error && c > 0) continue;
      error = spread;
      axis = c;
    }
    if (end - begin < 2) error = 0;
  }

  size_t begin, end;
  std::array<float, 3> mean = {};
  double error = 0;  // along the axis on which it is greatest
  int axis = 0;
};

// Cuts the worst box at its mean until there are enough.
std::vector<std::array<float, 3>> cut(std::vector<Colour>& colours, size_t most) {
  std::vector<Box> boxes = {Box(colours, 0, colours.size())};
  while (boxes.size() < most) {
    const auto worst = std::max_element(
        boxes.begin(), boxes.end(), [](const Box& a, const Box& b) { return a.error < b.error; });
    if (worst->error <= 0) break;
    const Box box = *worst;
    const auto middle = std::partition(
        colours.begin() + static_cast<std::ptrdiff_t>(box.begin),
        colours.begin() + static_cast<std::ptrdiff_t>(box.end),
        [&](const Colour& colour) { return colour.rgb[box.axis] < box.mean[box.axis]; });
    const auto at = static_cast<size_t>(middle - colours.begin());
    if (at == box.begin || at == box.end) {
      worst->error = 0;  // its colours differ by less than a float's precision
      continue;
    }
    *worst = Box(colours, box.begin, at);
    boxes.emplace_back(colours, at, box.end);
  }
  std::vector<std::array<float, 3>> means;
  for (const Box& box : boxes) means.push_back(box.mean);
  return means;
}

// One round of k-means.
void refine(const std::vector<Colour>& colours, std::vector<std::array<float, 3>>& means) {
  std::vector<std::array<double, 4>> sums(means.size());
  for (const Colour& colour : colours) {
    size_t best = 0;
    float least = distance(colour.rgb, means[0]);
    for (size_t i = 1; i < means.size(); ++i) {
      const float d = distance(colour.rgb, means[i]);
      if (d >= least) continue;
      least = d;
      best = i;
    }
    for (int c = 0; c < 3; ++c) sums[best][c] += double{colour.pixels} * colour.rgb[c];
    sums[best][3] += colour.pixels;
  }
  for (size_t i = 0; i < means.size(); ++i) {
    if (sums[i][3] == 0) continue;
    for (int c = 0; c < 3; ++c) means[i][c] = static_cast<float>(sums[i][c] / sums[i][3]);
  }
}

}  // namespace

std::vector<Rgb> choose_palette(std::span<const Rgb> pixels, int most) {
  constexpr size_t kMany = 16'384;
  constexpr int kRounds = 4;
  std::vector<Colour> colours = distinct_colours(pixels, 0);
  if (colours.size() > kMany) colours = distinct_colours(pixels, 3);
  std::vector<std::array<float, 3>> means = cut(colours, static_cast<size_t>(most));
  const int rounds = colours.size() > means.size() ? kRounds : 0;
  for (int round = 0; round < rounds; ++round) refine(colours, means);
  std::vector<Rgb> palette;
  for (const std::array<float, 3>& mean : means) {
    Rgb colour;
    std::transform(mean.begin(), mean.end(), colour.begin(),
                   [](float value) { return static_cast<uint8_t>(value + 0.5F); });
    palette.push_back(colour);
  }
  return palette;
}

int NearestColour::operator()(const Rgb& colour) {
  const auto [known, is_new] = known_.try_emplace(packed(colour), 0);
  if (!is_new) return known->second;
  const auto as_floats = [](const Rgb& c) {
    return std::array<float, 3>{float{1} * c[0], float{1} * c[1], float{1} * c[2]};
  };
  const auto nearer = [&](const Rgb& a, const Rgb& b) {
    return distance(as_floats(a), as_floats(colour)) < distance(as_floats(b), as_floats(colour));
  };
  const auto best = std::min_element(palette_.begin(), palette_.end(), nearer);
  return known->second = static_cast<int>(best - palette_.begin());
}

}  // namespace fovea
