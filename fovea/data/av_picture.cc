#include "fovea/data/av_picture.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>
#include <utility>

#include "fovea/data/orientation.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

// Formats that only say that their range is full beside being another.
std::pair<AVPixelFormat, bool> plain_format(int format) {
  switch (format) {
    case AV_PIX_FMT_YUVJ420P:
      return {AV_PIX_FMT_YUV420P, true};
    case AV_PIX_FMT_YUVJ411P:
      return {AV_PIX_FMT_YUV411P, true};
    case AV_PIX_FMT_YUVJ422P:
      return {AV_PIX_FMT_YUV422P, true};
    case AV_PIX_FMT_YUVJ440P:
      return {AV_PIX_FMT_YUV440P, true};
    case AV_PIX_FMT_YUVJ444P:
      return {AV_PIX_FMT_YUV444P, true};
    default:
      return {static_cast<AVPixelFormat>(format), false};
  }
}

}  // namespace

int orientation_of(const int32_t* matrix) {
  // Where a step to the right and a step down in the frame lead on the screen.
  const std::array<int32_t, 4> steps = {matrix[0], matrix[1], matrix[3], matrix[4]};
  std::array<int, 4> signs = {};
  for (size_t i = 0; i < 4; ++i) {
    constexpr int32_t kHalf = 1 << 15;  // of 1 in 16.16 fixed point
    signs[i] = steps[i] > kHalf ? 1 : steps[i] < -kHalf ? -1 : 0;
  }
  constexpr std::array<std::array<int, 4>, 8> kOrientations = {{{1, 0, 0, 1},
                                                                {-1, 0, 0, 1},
                                                                {-1, 0, 0, -1},
                                                                {1, 0, 0, -1},
                                                                {0, 1, 1, 0},
                                                                {0, 1, -1, 0},
                                                                {0, -1, -1, 0},
                                                                {0, -1, 1, 0}}};
  const auto* found = std::find(kOrientations.begin(), kOrientations.end(), signs);
  return found == kOrientations.end() ? 1 : static_cast<int>(found - kOrientations.begin()) + 1;
}

Image RgbConverter::convert(const AVFrame& frame, int orientation, const std::string& name,
                            int64_t max_pixels) {
  check_image_size(frame.width, frame.height, name, max_pixels);
  const auto [format, is_full] = plain_format(frame.format);
  context_.reset(ffmpeg().sws_get_cached_context(
      context_.release(), frame.width, frame.height, format, frame.width, frame.height,
      AV_PIX_FMT_RGB24, SWS_BICUBIC, nullptr, nullptr, nullptr));
  if (context_ == nullptr) fail("{}: its pixels are of a kind that FFmpeg makes no RGB of", name);
  const bool is_full_range = is_full || frame.color_range == AVCOL_RANGE_JPEG;
  constexpr int kOne = 1 << 16;
  ffmpeg().sws_set_colorspace_details(
      context_.get(), ffmpeg().sws_get_coefficients(frame.colorspace), is_full_range ? 1 : 0,
      ffmpeg().sws_get_coefficients(SWS_CS_DEFAULT), 0, 0, kOne, kOne);
  // Rows of whole vectors, as FFmpeg's own frames have: what it makes depends on that.
  constexpr size_t kVector = 64;
  const size_t row = size_t{3} * frame.width;
  const size_t stride = (row + kVector - 1) / kVector * kVector;
  std::vector<uint8_t> padded(stride * frame.height + 2 * kVector);
  void* begin = padded.data();
  size_t room = padded.size();
  auto* first = static_cast<uint8_t*>(std::align(kVector, stride * frame.height, begin, room));
  const std::array<uint8_t*, 4> to = {first};
  const std::array<int, 4> strides = {static_cast<int>(stride)};
  ffmpeg().sws_scale(context_.get(), frame.data, frame.linesize, 0, frame.height, to.data(),
                     strides.data());
  Decoded picture{.width = frame.width, .height = frame.height};
  picture.samples.resize(row * frame.height);
  for (int y = 0; y < frame.height; ++y) {
    std::copy_n(first + stride * y, row, picture.samples.data() + row * y);
  }
  turn_upright(picture, orientation);
  return {picture.width, picture.height, std::move(picture.samples)};
}

}  // namespace fovea
