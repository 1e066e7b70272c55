// Spectrograms: where and in what colour levels stand.
#include "fovea/report/spectrogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fovea/report/heat.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

Rgb at(const Image& image, int x, int y) {
  const uint8_t* rgb = image.rgb.data() + 3 * (static_cast<size_t>(y) * image.width + x);
  return {rgb[0], rgb[1], rgb[2]};
}

// Three frames of three filters, of which two frames and two bins are shown.
TEST(Spectrogram, HasTimeToTheRightAndLowFrequenciesBelow) {
  const float decibel = std::log(10.0F) / 10;
  const std::vector<float> log_mel = {
      0, -20 * decibel, 99, -40 * decibel, -80 * decibel, 99, 99, 99, 99};
  const Spectrogram drawn = spectrogram_of(log_mel, 3, 2, 2);
  EXPECT_THAT(drawn.levels, ElementsAre(FloatNear(0.75, 1e-6), FloatNear(0, 1e-6),  //
                                        FloatNear(1, 1e-6), FloatNear(0.5, 1e-6)));
  const Image image = draw_spectrogram(drawn, 3);
  EXPECT_EQ(image.width, 6);
  EXPECT_EQ(image.height, 6);
  EXPECT_EQ(at(image, 0, 0), heat_colour(0.75));
  EXPECT_EQ(at(image, 5, 2), heat_colour(0));
  EXPECT_EQ(at(image, 2, 5), heat_colour(1));
  EXPECT_EQ(at(image, 3, 3), heat_colour(0.5));
}

TEST(Spectrogram, ShowsEightyDecibels) {
  EXPECT_THAT(spectrogram_of(std::vector<float>{3, -100}, 1, 2, 1).levels, ElementsAre(1, 0));
  EXPECT_THAT(spectrogram_of(std::vector<float>{3, 2, 1}, 1, 3, 1).levels, ElementsAre(1, 0.5, 0));
  EXPECT_THAT(spectrogram_of(std::vector<float>{-16, -16}, 1, 2, 1).levels, ElementsAre(0, 0))
      << "silence";
}

TEST(Spectrogram, GroupsHaveTheColourOfTheirMeanLevel) {
  const Spectrogram drawn{3, 1, {1, 0.5F, 0}};
  const GroupColours colours = level_colours(drawn, {1, 3, {7, 2, 7}});
  EXPECT_EQ(colours.size(), 2U);
  EXPECT_EQ(colours.at(7), heat_colour(0.5));
  EXPECT_EQ(colours.at(2), heat_colour(0.5));
  EXPECT_EQ(level_colours(drawn, {1, 3, {1, 1, kRemoved}}).at(1), heat_colour(0.75));
}

}  // namespace
}  // namespace fovea
