#include "fovea/data/mix.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fovea {
namespace {

// Of the gamma distribution (Marsaglia and Tsang, 2000).
double draw_gamma(double shape, Random& random) {
  if (shape < 1) return draw_gamma(shape + 1, random) * std::pow(1 - random.uniform(), 1 / shape);
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = random.normal();
    const double v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - random.uniform()) < x * x / 2 + d - d * v + d * std::log(v)) {
      return d * v;
    }
  }
}

// a and b become a share of `kept` of themselves and the rest of the other.
void blend(std::span<float> a, std::span<float> b, float kept) {
  for (size_t i = 0; i < a.size(); ++i) {
    const float first = a[i];
    a[i] = kept * first + (1 - kept) * b[i];
    b[i] = kept * b[i] + (1 - kept) * first;
  }
}

// Calls work(a, b) with every pair of rows i and B - 1 - i of an array; the one in the middle has
// no other.
template <class Work>
void for_pairs(Array& x, const Work& work) {
  const int64_t batch = x.shape[0];
  const auto size = static_cast<size_t>(elements(x.shape) / batch);
  for (int64_t i = 0; i < batch / 2; ++i) {
    work(std::span(x.data).subspan(i * size, size),
         std::span(x.data).subspan((batch - 1 - i) * size, size));
  }
}

struct Box {
  int64_t top, bottom, left, right;
};

// With an area of about 1 - `kept`, around any point; what sticks out is cut off.
Box draw_box(int64_t height, int64_t width, double kept, Random& random) {
  const double side = std::sqrt(1 - kept);
  const auto span = [&](int64_t length) {
    const auto half = static_cast<int64_t>(side * static_cast<double>(length)) / 2;
    const int64_t centre = random.below(length);
    return std::pair(std::max<int64_t>(0, centre - half), std::min(length, centre + half));
  };
  const auto [top, bottom] = span(height);
  const auto [left, right] = span(width);
  return {top, bottom, left, right};
}

std::pair<int64_t, int64_t> sides_of(const Array& images) {
  const size_t rank = images.shape.size();
  return {images.shape[rank - 2], images.shape[rank - 1]};
}

// Returns the share that stayed.
double paste(Array& images, const Box& box) {
  const auto [height, width] = sides_of(images);
  const int64_t planes = elements(images.shape) / (images.shape[0] * height * width);
  for_pairs(images, [&, height = height, width = width](std::span<float> a, std::span<float> b) {
    for (int64_t plane = 0; plane < planes; ++plane) {
      for (int64_t y = box.top; y < box.bottom; ++y) {
        const int64_t row = (plane * height + y) * width;
        std::swap_ranges(a.begin() + row + box.left, a.begin() + row + box.right,
                         b.begin() + row + box.left);
      }
    }
  });
  const auto area = static_cast<double>((box.bottom - box.top) * (box.right - box.left));
  return 1 - area / static_cast<double>(height * width);
}

}  // namespace

double draw_beta(double alpha, Random& random) {
  const double a = draw_gamma(alpha, random);
  const double b = draw_gamma(alpha, random);
  return a + b > 0 ? a / (a + b) : 0.5;
}

Array smooth_targets(std::span<const int> classes, int class_count, double smoothing) {
  Array targets({static_cast<int64_t>(classes.size()), class_count});
  const double everywhere = smoothing / class_count;
  std::fill(targets.data.begin(), targets.data.end(), static_cast<float>(everywhere));
  for (size_t i = 0; i < classes.size(); ++i) {
    targets.data[i * class_count + classes[i]] = static_cast<float>(1 - smoothing + everywhere);
  }
  return targets;
}

void mix_batch(Array& images, Array& targets, const Mix& mix, Random& random) {
  if ((mix.mixup <= 0 && mix.cutmix <= 0) || !random.chance(mix.prob)) return;
  const bool cuts = mix.cutmix > 0 && (mix.mixup <= 0 || random.chance(mix.switch_prob));
  double kept = draw_beta(cuts ? mix.cutmix : mix.mixup, random);
  if (cuts) {
    const auto [height, width] = sides_of(images);
    kept = paste(images, draw_box(height, width, kept, random));
  } else {
    for_pairs(images, [&](auto a, auto b) { blend(a, b, static_cast<float>(kept)); });
  }
  for_pairs(targets, [&](auto a, auto b) { blend(a, b, static_cast<float>(kept)); });
}

}  // namespace fovea
