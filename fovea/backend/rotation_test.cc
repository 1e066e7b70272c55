// Angles of rotary position embeddings, against the formulas in double precision.
#include "fovea/backend/rotation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fovea {
namespace {

constexpr int64_t kWidth = 12;
constexpr int kPrefix = 2;
const std::vector<int32_t> kFirst = {0, 4, 7};
const std::vector<Place> kPlaces = {{}, {}, {0, 3}, {1.25F, 0.5F}, {}, {}, {30, 7}};
constexpr double kPi = 3.14159265358979323846;

// angle(place, head, pair)
template <class Angle>
void expect_turns(const Turns& turns, int heads, const Angle& angle) {
  ASSERT_EQ(turns.heads, heads);
  ASSERT_EQ(turns.pairs, kWidth / 2);
  for (int64_t row = 0; row < 7; ++row) {
    const bool is_prefix = row < 2 || row == 4 || row == 5;
    for (int head = 0; head < heads; ++head) {
      for (int k = 0; k < kWidth / 2; ++k) {
        const double want = is_prefix ? 0 : angle(kPlaces[row], head, k);
        EXPECT_NEAR(turns.cos[turns.at(row, head) + k], std::cos(want), 3e-7) << row << ' ' << k;
        EXPECT_NEAR(turns.sin[turns.at(row, head) + k], std::sin(want), 3e-7) << row << ' ' << k;
      }
    }
  }
}

TEST(Rotations, OfOneAxisAfterTheOther) {
  for (const bool x_first : {false, true}) {
    for (const double reference : {0.0, 16.0}) {
      const Rotation rotation{.kind = RotationKind::cat,
                              .theta = 100,
                              .x_first = x_first,
                              .offset = 1,
                              .reference = {reference, reference}};
      const Turns turns = turns_of(rotation, 0, kFirst, kPlaces, kPrefix, {4, 8}, kWidth);
      EXPECT_FALSE(turns.in_halves);
      expect_turns(turns, 1, [&](Place place, int, int k) {
        const double y = (place.y + 1) * (reference > 0 ? reference / 4 : 1);
        const double x = (place.x + 1) * (reference > 0 ? reference / 8 : 1);
        return ((k < 3) == x_first ? x : y) * std::pow(100, -4.0 * (k % 3) / kWidth);
      });
    }
  }
}

TEST(Rotations, OfDinov3) {
  const Rotation rotation{.kind = RotationKind::dinov3, .theta = 100};
  const Turns turns = turns_of(rotation, 0, kFirst, kPlaces, kPrefix, {4, 8}, kWidth);
  EXPECT_TRUE(turns.in_halves);
  expect_turns(turns, 1, [&](Place place, int, int k) {
    const double at = k < 3 ? 2 * (place.y + 0.5) / 4 - 1 : 2 * (place.x + 0.5) / 8 - 1;
    return 2 * kPi * at / std::pow(100, 4.0 * (k % 3) / kWidth);
  });
}

// Bit by bit: rows that stayed, in another order, and one that is new.
TEST(Rotations, OfTokensThatStayedAreTakenOver) {
  const Rotation rotation{.kind = RotationKind::dinov3, .theta = 100};
  const std::vector<int32_t> first = {0, 4};
  const std::vector<Place> places = {{}, {0, 1}, {2, 3}, {1, 7}};
  const std::vector<Place> later = {{}, {1, 7}, {1.5F, 2.5F}, {0, 1}};
  const Turns before = turns_of(rotation, 0, first, places, 1, {4, 8}, kWidth);
  const Turns anew = turns_of(rotation, 0, first, later, 1, {4, 8}, kWidth);
  const std::vector<int32_t> rows = {0, 3, -1, 1};
  const EarlierTurns earlier{before, rows};
  const Turns taken = turns_of(rotation, 0, first, later, 1, {4, 8}, kWidth, &earlier);
  EXPECT_EQ(taken.cos, anew.cos);
  EXPECT_EQ(taken.sin, anew.sin);
}

TEST(Rotations, OfEachHeadsOwnFrequencies) {
  constexpr int kHeads = 3;
  constexpr int kLayers = 2;
  Rotation rotation{.kind = RotationKind::mixed};
  rotation.frequencies = Array({2, kLayers, kHeads, kWidth / 2});
  for (size_t i = 0; i < rotation.frequencies.data.size(); ++i) {
    rotation.frequencies.data[i] = std::sin(static_cast<float>(i)) * 2;
  }
  for (int layer = 0; layer < kLayers; ++layer) {
    const Turns turns = turns_of(rotation, layer, kFirst, kPlaces, kPrefix, {4, 8}, kWidth);
    expect_turns(turns, kHeads, [&](Place place, int head, int k) {
      const auto of = [&](int axis) {
        const int at =
            ((axis * kLayers + layer) * kHeads + head) * static_cast<int>(kWidth) / 2 + k;
        return static_cast<double>(rotation.frequencies.data[at]);
      };
      return place.x * of(0) + place.y * of(1);
    });
  }
}

}  // namespace
}  // namespace fovea
