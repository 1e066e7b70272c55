#include "fovea/data/segment_sample.h"

#include <algorithm>
#include <utility>

#include "fovea/data/preprocess.h"

namespace fovea {
namespace {

// Fewer pixels of a mask are no thing that could be learnt.
constexpr int64_t kLeastPixels = 4;

// Which column or row of the picture is in the middle of the n-th of a mask's, -1 beside the
// picture: `count` of them from `first` on, of a square that has `square`.
std::vector<int> middles(int side, int square, int first, int count, bool is_mirrored) {
  std::vector<int> places(side, -1);
  for (int i = 0; i < side; ++i) {
    const auto place = static_cast<int>((i + 0.5) * square / side);
    if (place < count) places[i] = first + (is_mirrored ? count - 1 - place : place);
  }
  return places;
}

}  // namespace

SquareMask mask_in_view(const Rle& mask, const SampleView& view, int side) {
  const PixelBox& box = view.box;
  const int square = std::max(box.width, box.height);
  const std::vector<int> columns = middles(side, square, box.left, box.width, view.is_mirrored);
  const std::vector<int> rows = middles(side, square, box.top, box.height, false);
  const std::vector<uint8_t> pixels = decode_rle(mask);
  SquareMask out(size_t{1} * side * side);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      if (rows[y] < 0 || columns[x] < 0) continue;
      out[size_t{1} * y * side + x] = pixels[size_t{1} * rows[y] * mask.width + columns[x]];
    }
  }
  return out;
}

std::vector<SquareMask> segment_sample(const Image& image, const std::vector<TrueMask>& truths,
                                       const Preprocessing& spec, const Augmentation& augmentation,
                                       const SegmentSampling& sampling, Random& random,
                                       std::span<float> out, const std::string& name) {
  SampleView view;
  view.box = draw_crop(image.width, image.height, augmentation, random);
  view.is_mirrored = random.chance(augmentation.hflip);
  Image part = cut(image, view.box);
  if (view.is_mirrored) mirror(part);
  part = rand_augment(std::move(part), augmentation.rand_augment, random);
  preprocess(part, spec, out, name);

  std::vector<const TrueMask*> order;
  for (const TrueMask& truth : truths) {
    if (!truth.crowd && area_of(truth.mask) >= sampling.least_area) order.push_back(&truth);
  }
  std::vector<SquareMask> masks;
  for (size_t i = 0; i < order.size() && masks.size() < static_cast<size_t>(sampling.masks); ++i) {
    std::swap(order[i], order[i + random.below(static_cast<int64_t>(order.size() - i))]);
    SquareMask mask = mask_in_view(order[i]->mask, view, sampling.side);
    if (std::count(mask.begin(), mask.end(), 1) >= kLeastPixels) masks.push_back(std::move(mask));
  }
  return masks;
}

}  // namespace fovea
