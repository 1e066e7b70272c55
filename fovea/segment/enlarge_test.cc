// Enlarged masks against a plain version of the original's three steps, and against what the
// original itself makes of its masks.
#include "fovea/segment/enlarge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "fovea/io/safetensors.h"
#include "fovea/io/testing.h"
#include "tests/paths.h"

namespace fovea {
namespace {

using testing::HasSubstr;

// torch.nn.functional.interpolate, bilinear, of a picture of `rows` x `columns`.
std::vector<double> interpolate(const std::vector<double>& from, int rows, int columns, int height,
                                int width) {
  std::vector<double> to(size_t{1} * height * width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double v = std::max(0.0, (y + 0.5) * rows / height - 0.5);
      const double u = std::max(0.0, (x + 0.5) * columns / width - 0.5);
      const int y0 = static_cast<int>(v);
      const int x0 = static_cast<int>(u);
      const int y1 = std::min(y0 + 1, rows - 1);
      const int x1 = std::min(x0 + 1, columns - 1);
      const auto at = [&](int row, int column) { return from[row * columns + column]; };
      to[y * width + x] = (1 - (v - y0)) * ((1 - (u - x0)) * at(y0, x0) + (u - x0) * at(y0, x1)) +
                          (v - y0) * ((1 - (u - x0)) * at(y1, x0) + (u - x0) * at(y1, x1));
    }
  }
  return to;
}

std::vector<double> plainly_enlarged(const std::vector<float>& logits, int low,
                                     const PicturePlace& place) {
  const std::vector<double> square =
      interpolate({logits.begin(), logits.end()}, low, low, place.side, place.side);
  std::vector<double> kept;
  for (int y = 0; y < place.scaled_height; ++y) {
    const auto row = square.begin() + y * place.side;
    kept.insert(kept.end(), row, row + place.scaled_width);
  }
  return interpolate(kept, place.scaled_height, place.scaled_width, place.height, place.width);
}

std::vector<float> random_logits(int low, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> logits(size_t{1} * low * low);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

std::vector<float> enlarged(const MaskEnlarger& enlarger, const std::vector<float>& logits) {
  std::vector<float> all;
  enlarger.enlarge(
      logits, [&](std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
  return all;
}

TEST(MaskEnlarger, IsThePlainVersion) {
  struct Case {
    int width, height, side, low;
  };
  for (const Case& c :
       {Case{150, 100, 128, 32}, Case{37, 90, 128, 32}, Case{600, 411, 128, 32},
        Case{128, 128, 128, 32}, Case{9, 500, 96, 12}, Case{50, 40, 24, 24}, Case{5, 4, 12, 3}}) {
    const PicturePlace place = place_picture(c.width, c.height, c.side);
    const std::vector<float> logits = random_logits(c.low, c.width);
    const std::vector<double> want = plainly_enlarged(logits, c.low, place);
    const std::vector<float> got = enlarged(MaskEnlarger(place, c.low), logits);
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_NEAR(got[i], want[i], 1e-5) << c.width << " x " << c.height << ", " << i;
    }
  }
}

TEST(MaskEnlarger, RefusesMasksThatDoNotFit) {
  const PicturePlace place = place_picture(150, 100, 128);
  EXPECT_THAT(error_of([&] { MaskEnlarger(place, 129); }), HasSubstr("129 x 129 logits"));
  EXPECT_THAT(error_of([&] { MaskEnlarger(place, 2); }), HasSubstr("2 x 2 logits"));
  const MaskEnlarger enlarger(place, 32);
  EXPECT_THAT(error_of([&] { enlarged(enlarger, random_logits(31, 1)); }),
              HasSubstr("961 logits of a mask; expected 32 x 32"));
}

TEST(PictureMask, CountsWhatIsSure) {
  const PicturePlace place = place_picture(150, 100, 128);
  const MaskEnlarger enlarger(place, 32);
  const std::vector<float> logits = random_logits(32, 7);
  const std::vector<float> all = enlarged(enlarger, logits);
  const PictureMask mask = picture_mask(enlarger, logits);
  const auto above = [&](float line) {
    return static_cast<double>(
        std::count_if(all.begin(), all.end(), [&](float logit) { return logit > line; }));
  };
  EXPECT_DOUBLE_EQ(mask.stability, above(1) / above(-1));
  EXPECT_EQ(area_of(mask.rle), above(0));
  const std::vector<uint8_t> pixels = decode_rle(mask.rle);
  for (size_t i = 0; i < all.size(); ++i) ASSERT_EQ(pixels[i] != 0, all[i] > 0) << i;
  const PictureMask none = picture_mask(enlarger, std::vector<float>(1024, -2));
  EXPECT_EQ(none.stability, 0);
  EXPECT_EQ(area_of(none.rle), 0);
}

// Every pixel but those that the golden lists, where the logit is too near 0 to tell.
TEST(PictureMask, IsTheOriginals) {
  const SafeTensors golden =
      SafeTensors::open(test_data() / "goldens-sam" / "sam-picture" / "expect.safetensors");
  const MaskEnlarger enlarger(place_picture(150, 100, 128), 32);
  int prompts = 0;
  for (const auto& [name, tensor] : golden.tensors()) {
    const std::string kEnd = ".low_res_masks";
    if (!name.ends_with(kEnd)) continue;
    const std::string prompt = name.substr(0, name.size() - kEnd.size());
    const std::vector<float> logits = to_floats(tensor, golden.file_name());
    const std::span<const std::byte> masks = golden.tensors().at(prompt + ".masks").bytes;
    const std::span<const std::byte> unsure = golden.tensors().at(prompt + ".unsure").bytes;
    std::set<int32_t> either;
    for (size_t i = 0; i < unsure.size(); i += sizeof(int32_t)) {
      int32_t place;
      std::copy_n(unsure.begin() + i, sizeof(place), reinterpret_cast<std::byte*>(&place));
      either.insert(place);
    }
    const size_t count = logits.size() / 1024;
    ASSERT_EQ(masks.size(), count * 15'000);
    for (size_t m = 0; m < count; ++m) {
      const auto pixels =
          decode_rle(picture_mask(enlarger, std::span(logits).subspan(m * 1024, 1024)).rle);
      for (size_t i = 0; i < pixels.size(); ++i) {
        const size_t place = m * 15'000 + i;
        if (either.contains(static_cast<int32_t>(place))) continue;
        ASSERT_EQ(pixels[i], std::to_integer<int>(masks[place])) << prompt << " " << place;
      }
    }
    ++prompts;
  }
  EXPECT_GE(prompts, 3);
}

}  // namespace
}  // namespace fovea
