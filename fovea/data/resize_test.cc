// Resizing against what Pillow makes of the same picture, to the bit.
#include "fovea/data/resize.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "fovea/io/npy.h"
#include "tests/paths.h"

namespace fovea {
namespace {

const std::filesystem::path kFolder = test_data() / "goldens-pictures";

struct Size {
  int width;
  int height;
};

class ResizeGoldens : public ::testing::TestWithParam<std::tuple<Size, Interpolation>> {
 protected:
  Size size() const { return std::get<0>(GetParam()); }
  Interpolation interpolation() const { return std::get<1>(GetParam()); }
  Image resized(const PixelBox& window) const {
    const Image source = read_image(kFolder / "source.png");
    return resize(source, size().width, size().height, interpolation(), window);
  }
  Array golden() const {
    const char* filter = interpolation() == Interpolation::bicubic ? "bicubic" : "bilinear";
    return read_npy(kFolder / ("resize-" + std::to_string(size().width) + "x" +
                               std::to_string(size().height) + "-" + filter + ".npy"));
  }
};

TEST_P(ResizeGoldens, AreMetToTheBit) {
  const Image got = resized({0, 0, size().width, size().height});
  ASSERT_EQ(got.width, size().width);
  ASSERT_EQ(got.height, size().height);
  EXPECT_EQ(std::vector<float>(got.rgb.begin(), got.rgb.end()), golden().data);
}

TEST_P(ResizeGoldens, AreMetByEveryWindow) {
  const Array want = golden();
  for (const PixelBox& window :
       {PixelBox{0, 0, 1, 1}, PixelBox{size().width - 1, size().height - 1, 1, 1},
        PixelBox{size().width / 3, size().height / 4, (size().width + 1) / 2,
                 (size().height + 1) / 2},
        PixelBox{0, size().height / 2, size().width, 1}}) {
    const Image got = resized(window);
    ASSERT_EQ(got.rgb.size(), size_t{3} * window.width * window.height);
    for (int y = 0; y < window.height; ++y) {
      for (int i = 0; i < 3 * window.width; ++i) {
        ASSERT_EQ(got.rgb[3 * y * window.width + i],
                  want.data[3 * ((window.top + y) * size().width + window.left) + i]);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, ResizeGoldens,
    ::testing::Combine(::testing::Values(Size{16, 20}, Size{60, 70}, Size{15, 60}, Size{41, 20},
                                         Size{20, 53}, Size{41, 53}, Size{1, 1}),
                       ::testing::Values(Interpolation::bilinear, Interpolation::bicubic)),
    [](const auto& info) {
      const Size size = std::get<0>(info.param);
      const Interpolation interpolation = std::get<1>(info.param);
      return std::to_string(size.width) + "x" + std::to_string(size.height) +
             (interpolation == Interpolation::bicubic ? "_bicubic" : "_bilinear");
    });

// Ringing beside a hard edge is clipped and does not wrap around.
TEST(Resize, Clips) {
  Image image{8, 1, std::vector<uint8_t>(24, 0)};
  for (int i = 12; i < 24; ++i) image.rgb[i] = 255;
  const Image got = resize(image, 64, 1, Interpolation::bicubic, {0, 0, 64, 1});
  for (int x = 0; x < 24; ++x) ASSERT_EQ(got.rgb[3 * x], 0);
  for (int x = 40; x < 64; ++x) ASSERT_EQ(got.rgb[3 * x], 255);
}

}  // namespace
}  // namespace fovea
