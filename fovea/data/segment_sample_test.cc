#include "fovea/data/segment_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace fovea {
namespace {

using testing::ElementsAre;

// 4 rows of 6.
const Rle kMask = encode_rle(std::vector<uint8_t>{1, 1, 0, 0, 0, 0,  //
                                                  1, 1, 0, 0, 0, 0,  //
                                                  0, 0, 1, 1, 1, 0,  //
                                                  0, 0, 1, 1, 1, 0},
                             4, 6);

TEST(SegmentSampleTest, SeesAMaskInABox) {
  // The box is 4 wide and 2 high: it fills the upper half of the square.
  const SampleView view{{0, 1, 4, 2}, false};
  EXPECT_THAT(mask_in_view(kMask, view, 4), ElementsAre(1, 1, 0, 0,  //
                                                        0, 0, 1, 1,  //
                                                        0, 0, 0, 0,  //
                                                        0, 0, 0, 0));
}

TEST(SegmentSampleTest, SeesItMirrored) {
  const SampleView view{{0, 0, 2, 4}, true};
  EXPECT_THAT(mask_in_view(kMask, view, 4), ElementsAre(1, 1, 0, 0,  //
                                                        1, 1, 0, 0,  //
                                                        0, 0, 0, 0,  //
                                                        0, 0, 0, 0));
  const SampleView wide{{2, 2, 4, 1}, true};
  EXPECT_THAT(mask_in_view(kMask, wide, 4),
              ElementsAre(0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
}

TEST(SegmentSampleTest, TakesMiddlesOfPixels) {
  const SampleView view{{0, 0, 6, 4}, false};
  EXPECT_THAT(mask_in_view(kMask, view, 3), ElementsAre(1, 0, 0,  //
                                                        0, 1, 0,  //
                                                        0, 0, 0));
}

// A picture of which the left third is one thing, and the rest another.
class SegmentSamplesTest : public testing::Test {
 protected:
  SegmentSamplesTest() : image_{60, 40, std::vector<uint8_t>(60 * 40 * 3)} {
    std::vector<uint8_t> left(60 * 40);
    for (size_t i = 0; i < left.size(); ++i) {
      left[i] = i % 60 < 20 ? 1 : 0;
      std::fill_n(image_.rgb.begin() + 3 * i, 3, left[i] == 1 ? 255 : 0);
    }
    truths_.push_back({encode_rle(left, 40, 60)});
    for (uint8_t& pixel : left) pixel ^= 1;
    truths_.push_back({encode_rle(left, 40, 60)});
    spec_.height = spec_.width = 32;
    spec_.fit = Fit::corner;
    spec_.interpolation = Interpolation::bilinear;
    spec_.mean = {0.5F, 0.5F, 0.5F};
    spec_.std = {0.5F, 0.5F, 0.5F};
  }

  std::vector<SquareMask> sample(uint64_t seed, std::vector<float>& out) const {
    out.assign(3 * 32 * 32, 9.0F);
    Random random(seed);
    return segment_sample(image_, truths_, spec_, augmentation_, sampling_, random, out, "a");
  }

  Image image_;
  std::vector<TrueMask> truths_;
  Preprocessing spec_;
  Augmentation augmentation_ = {.scale = {0.3, 1}, .ratio = {0.5, 2}};
  SegmentSampling sampling_ = {.masks = 8, .side = 32, .least_area = 100};
};

TEST_F(SegmentSamplesTest, HaveMasksWhereThePictureHasThem) {
  int both = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<float> out;
    const std::vector<SquareMask> masks = sample(seed, out);
    ASSERT_FALSE(masks.empty());
    both += masks.size() == 2 ? 1 : 0;
    for (const SquareMask& mask : masks) {
      float lightest = -1;
      float darkest = 1;
      for (size_t i = 0; i < mask.size(); ++i) {
        if (mask[i] == 0) continue;
        lightest = std::max(lightest, out[i]);
        darkest = std::min(darkest, out[i]);
      }
      // One thing is white and the other black, but for pixels that lie in both.
      EXPECT_TRUE(darkest > -1 || lightest < 1) << seed;
    }
  }
  EXPECT_GT(both, 5);
}

TEST_F(SegmentSamplesTest, DependOnTheSeedAlone) {
  std::vector<float> first, second, other;
  EXPECT_EQ(sample(1, first), sample(1, second));
  EXPECT_EQ(first, second);
  sample(2, other);
  EXPECT_NE(first, other);
}

TEST_F(SegmentSamplesTest, LeaveOutWhatIsSmallOrACrowd) {
  std::vector<float> out;
  sampling_.least_area = 801;  // the left third has 800
  truths_[1].crowd = true;
  EXPECT_TRUE(sample(1, out).empty());
  truths_[1].crowd = false;
  EXPECT_EQ(sample(1, out).size(), 1U);
  sampling_.least_area = 0;
  sampling_.masks = 1;
  EXPECT_EQ(sample(1, out).size(), 1U);
}

}  // namespace
}  // namespace fovea
