// What shapes tell of how patches are embedded: the stem, the patch and the width.
#include <algorithm>
#include <vector>

#include "fovea/io/fail.h"
#include "fovea/model/infer.h"

namespace fovea {
namespace {

constexpr int kLargestPatch = 1 << 13;

// Convolutions patch_embed.proj.{0,3,6,..}, each of which may have a norm behind it.
int count_convolutions(const Checkpoint& checkpoint) {
  const auto is_there = [&](int index) {
    return has_part(checkpoint, fmt::format("patch_embed.proj.{}", index));
  };
  int count = 0;
  while (is_there(3 * count) || is_there(3 * count + 1)) ++count;
  return count;
}

// Extent `axis` of the weight of convolution `index`.
int convolution_extent(const Checkpoint& checkpoint, int index, size_t axis) {
  return extent(checkpoint, fmt::format("patch_embed.proj.{}.weight", 3 * index), 4, axis);
}

void infer_hmlp(const Checkpoint& checkpoint, int count, Architecture& a) {
  a.stem = Stem::hmlp;
  a.patch = {1, 1};
  for (int i = 0; i < count; ++i) {
    // Kernels are squares, and the steps as wide: that is checked with all shapes.
    const int kernel = convolution_extent(checkpoint, i, 2);
    a.convolutions.push_back({kernel, kernel, convolution_extent(checkpoint, i, 0)});
    if (kernel > kLargestPatch / a.patch.rows) {
      fail("{}: the hMLP stem has patches of more than {} pixels", checkpoint.file_name(),
           kLargestPatch);
    }
    a.patch = {a.patch.rows * kernel, a.patch.rows * kernel};
  }
  a.width = a.convolutions.back().channels;
}

// `count`: with the 1x1 convolution at the end.
void infer_conv(const Checkpoint& checkpoint, const Config& config, int count, Architecture& a) {
  a.stem = Stem::conv;
  a.width = convolution_extent(checkpoint, count - 1, 0);
  std::vector<int> channels;
  for (int i = 0; i + 1 < count; ++i) channels.push_back(convolution_extent(checkpoint, i, 0));
  const int side = 1 << std::min(count - 1, 20);
  a.patch = {side, side};
  if (config.patch_size) a.patch = *config.patch_size;
  if (a.patch.rows != a.patch.columns) {
    fail("{}: config.json says patch_size {} x {}; expected a square for a convolutional stem",
         checkpoint.file_name(), a.patch.rows, a.patch.columns);
  }
  a.convolutions = overlapping_convolutions(channels, a.patch.rows, checkpoint.file_name());
}

void infer_linear(const Checkpoint& checkpoint, Architecture& a) {
  const std::string name = "patch_embed.proj.weight";
  const size_t rank = a.medium == Medium::video ? 5 : 4;
  a.width = extent(checkpoint, name, rank, 0);
  a.patch = {extent(checkpoint, name, rank, rank - 2), extent(checkpoint, name, rank, rank - 1)};
  if (a.medium == Medium::video) a.patch.frames = extent(checkpoint, name, rank, 2);
  if (extent(checkpoint, name, rank, 1) != a.in_channels) {
    fail("{}: tensor {} is {}; expected {} input channels", checkpoint.file_name(),
         checkpoint.spelling(name), to_string(checkpoint.shape(name)), a.in_channels);
  }
}

}  // namespace

void infer_stem(const Checkpoint& checkpoint, const Config& config, Architecture& a) {
  const int count = count_convolutions(checkpoint);
  if (count == 0) {
    infer_linear(checkpoint, a);
  } else if (count > 1 && convolution_extent(checkpoint, count - 1, 2) == 1) {
    infer_conv(checkpoint, config, count, a);
  } else {
    infer_hmlp(checkpoint, count, a);
  }
  const Grid of_frame(a.patch.rows, a.patch.columns);
  if (config.patch_size && *config.patch_size != of_frame) {
    fail("{}: patches of {} x {} pixels found; config.json says {} x {}", checkpoint.file_name(),
         a.patch.rows, a.patch.columns, config.patch_size->rows, config.patch_size->columns);
  }
}

}  // namespace fovea
