// The trace of a run: which token each position is part of after every layer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <vector>

#include "fovea/fovea.h"

namespace fovea {
namespace {

MergeOptions with_r(int r) {
  MergeOptions merge;
  merge.schedule.r = r;
  return merge;
}

// Three images are run two by thread and one spread over both.
class TraceTest : public testing::Test {
 protected:
  std::span<const int32_t> row(const IntArray& trace, int64_t image, int64_t layer) const {
    const int64_t positions = trace.shape[2];
    return std::span(trace.data).subspan((image * trace.shape[1] + layer) * positions, positions);
  }
  static Array three_images(const Model& model) {
    const Grid size = made_for(model.architecture());
    Array images({3, 3, size.rows, size.columns});
    uint32_t state = 1;
    for (float& value : images.data) {
      state = state * 1664525 + 1013904223;
      value = static_cast<float>(state >> 8) / (1 << 23) - 1;
    }
    return images;
  }

  const Model model_ = Model::random("vit_tiny_patch32_224", 3, {.threads = 2});
  const Array images_ = three_images(model_);
  const int depth_ = model_.architecture().depth;
};

TEST_F(TraceTest, EndsWithTheSources) {
  const Result result = model_.run(images_, {.merge = with_r(4), .want_trace = true});
  ASSERT_EQ(result.trace.shape, (Shape{3, depth_, 50}));
  for (int64_t image = 0; image < 3; ++image) {
    const std::span<const int32_t> last = row(result.trace, image, depth_ - 1);
    EXPECT_TRUE(std::equal(last.begin(), last.end(), result.source.data.begin() + image * 50));
  }
  EXPECT_THAT(model_.run(images_, {.merge = with_r(4)}).trace.data, testing::IsEmpty());
}

TEST_F(TraceTest, CountsDownAndNeverPartsWhatMerged) {
  const Result result =
      model_.run(images_, {.merge = with_r(3), .want_tokens = false, .want_trace = true});
  for (int64_t image = 0; image < 3; ++image) {
    for (int layer = 0; layer < depth_; ++layer) {
      const std::span<const int32_t> now = row(result.trace, image, layer);
      EXPECT_EQ(*std::max_element(now.begin(), now.end()) + 1, 50 - 3 * (layer + 1));
      if (layer == 0) continue;
      const std::span<const int32_t> before = row(result.trace, image, layer - 1);
      std::vector<int32_t> became(50, -1);
      for (size_t i = 0; i < now.size(); ++i) {
        int32_t& token = became[before[i]];
        if (token == -1) token = now[i];
        EXPECT_EQ(token, now[i]);
      }
    }
  }
}

TEST_F(TraceTest, IsEveryPositionItselfWhereNothingMerges) {
  const Result result = model_.run(images_, {.want_trace = true});
  for (int64_t i = 0; i < elements(result.trace.shape); ++i) {
    ASSERT_EQ(result.trace.data[i], i % 50);
  }
}

}  // namespace
}  // namespace fovea
