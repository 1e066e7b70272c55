// Window attention and selection within windows, on the CPU backend.
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/io/testing.h"
#include "fovea/tokens/routing.h"
#include "tests/plain_windows.h"

namespace fovea {
namespace {

using testing::ElementsAre;

TEST(CutWindows, GoRowByRowAndArePaddedAtTheBorder) {
  const Windows windows = cut_windows({0, 6, 12}, {2, 3}, 2);
  EXPECT_THAT(windows.first, ElementsAre(0, 4, 7, 11, 14));
  EXPECT_THAT(windows.rows, ElementsAre(0, 1, 3, 4, 2, 5, -1, 6, 7, 9, 10, 8, 11, -1));
  EXPECT_THAT(windows.tokens.first, ElementsAre(0, 4, 6, 10, 12));
  EXPECT_THAT(windows.tokens.rows, ElementsAre(0, 1, 3, 4, 2, 5, 6, 7, 9, 10, 8, 11));
  EXPECT_THAT(windows.back.first, ElementsAre(0, 6, 12));
  EXPECT_THAT(windows.back.rows, ElementsAre(0, 1, 4, 2, 3, 5, 6, 7, 10, 8, 9, 11));
  EXPECT_EQ(windows.patches, 4);
  for (size_t i = 0; i < windows.rows.size(); ++i) {
    EXPECT_EQ(windows.log_sizes[i], windows.rows[i] < 0 ? std::log(2.0F) : 0);
  }
}

TEST(CutWindows, NeedNoPaddingWhereTheyFit) {
  const Windows windows = cut_windows({0, 24}, {4, 6}, 2);
  EXPECT_TRUE(windows.log_sizes.empty());
  EXPECT_EQ(windows.rows, windows.tokens.rows);
  const Windows one = cut_windows({0, 6}, {2, 3}, 5);
  EXPECT_THAT(one.rows, ElementsAre(0, 1, 2, 3, 4, 5, -1));
  EXPECT_EQ(one.log_sizes.back(), std::log(19.0F));
}

TEST(CutWindows, RefuseOtherTokens) {
  EXPECT_EQ(error_of([] {
              cut_windows({0, 7}, {2, 3}, 2);
            }),
            "7 tokens for windows of 2 rows of 3 patches; expected these alone");
  EXPECT_NE(error_of([] { cut_windows({0, 6}, {2, 3}, 0); }), "");
}

TEST(SelectInWindows, TakesTheBestOfEachAndEquallyMany) {
  const Sequences sequences = {0, 35, 70};
  const Windows windows = cut_windows(sequences, {5, 7}, 3);
  std::mt19937 generator(3);
  std::vector<float> scores(70);
  for (float& score : scores) score = static_cast<float>(generator() % 20);
  for (const double keep_ratio : {0.01, 0.25, 0.5, 1.0}) {
    const Route route = select_in_windows(windows, scores, keep_ratio);
    ASSERT_EQ(route.first.size(), windows.first.size());
    for (size_t window = 0; window + 1 < route.first.size(); ++window) {
      const auto begin = windows.tokens.rows.begin() + windows.tokens.first[window];
      const auto end = windows.tokens.rows.begin() + windows.tokens.first[window + 1];
      const std::set<int32_t> selected(route.rows.begin() + route.first[window],
                                       route.rows.begin() + route.first[window + 1]);
      EXPECT_EQ(static_cast<std::ptrdiff_t>(selected.size()),
                std::min<std::ptrdiff_t>(selected_patches(keep_ratio, 9), end - begin));
      for (const int32_t in : selected) {
        EXPECT_TRUE(std::find(begin, end, in) != end);
        for (auto out = begin; out != end; ++out) {
          if (selected.count(*out) > 0) continue;
          EXPECT_TRUE(scores[in] > scores[*out] || (scores[in] == scores[*out] && in < *out));
        }
      }
    }
  }
}

Tensor tensor_of(const Array& rows, const Sequences& sequences) {
  const int64_t channels = rows.shape[1];
  Tensor x(std::make_shared<Sequences>(sequences), channels, channels,
           allocate_floats(static_cast<int64_t>(rows.data.size())));
  std::copy(rows.data.begin(), rows.data.end(), x.data());
  return x;
}

class WindowAttention : public testing::TestWithParam<SimdLevel> {};

TEST_P(WindowAttention, IsThePlainOne) {
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    const double tolerance = dtype == Dtype::f32 ? 1e-4 : 0.25;
    for (const int side : {1, 2, 3, 7, 8}) {
      Cpu cpu(GetParam(), dtype, std::make_shared<Threads>(2));
      WindowExample example(side);
      example.check_plain_block(cpu, tensor_of(example.x(), example.sequences()), tolerance);
      example.check_routed_block(cpu, tensor_of(example.x(), example.sequences()), tolerance);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, WindowAttention, testing::ValuesIn(available_levels()),
                         [](const auto& info) { return to_string(info.param); });

}  // namespace
}  // namespace fovea
