// One model that eight threads use at once: each gets what it would get alone, to the bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/model/testing.h"

namespace fovea {
namespace {

constexpr int kCallers = 8;
constexpr int kRounds = 3;

struct Call {
  Array images;
  RunOptions options;
  Result alone;
};

// Patches are 8 pixels: grids of several sizes, for which positions are resampled once and kept.
Array picture(int64_t batch, int64_t height, int64_t width) {
  Array images({batch, 3, height, width});
  for (size_t i = 0; i < images.data.size(); ++i) {
    images.data[i] = static_cast<float>(i * 37 % 101) / 50 - 1;
  }
  return images;
}

std::vector<Call> calls() {
  std::vector<Call> all;
  for (const auto& [batch, height, width] :
       {std::tuple{1, 40, 56}, {3, 40, 56}, {1, 48, 48}, {2, 64, 32}, {1, 24, 72}}) {
    for (const int r : {0, 4}) {
      RunOptions options;
      options.merge.schedule.r = r;
      all.push_back({picture(batch, height, width), options, {}});
    }
  }
  return all;
}

bool is_same(const Result& a, const Result& b) {
  return a.logits.data == b.logits.data && a.tokens.data == b.tokens.data &&
         a.sizes.data == b.sizes.data && a.source.data == b.source.data;
}

class SharedModel : public testing::TestWithParam<std::tuple<std::string, Dtype>> {};

TEST_P(SharedModel, GivesEachOfEightThreadsWhatItGetsAlone) {
  const auto& [name, dtype] = GetParam();
  std::vector<Call> all = calls();
  const Model lonely = Model::load(golden(name), {.threads = 1, .dtype = dtype});
  for (Call& call : all) call.alone = lonely.run(call.images, call.options);
  // Not run before: the callers meet where positions are resampled.
  const Model shared = Model::load(golden(name), {.threads = 2, .dtype = dtype});
  std::vector<int> wrong(kCallers);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (size_t i = 0; i < kRounds * all.size(); ++i) {
        const Call& call = all[(i + caller) % all.size()];
        wrong[caller] += is_same(shared.run(call.images, call.options), call.alone) ? 0 : 1;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, std::vector<int>(kCallers));
}

INSTANTIATE_TEST_SUITE_P(Formats, SharedModel,
                         testing::Combine(testing::Values("vit-odd", "vit"),
                                          testing::Values(Dtype::f32, Dtype::bf16)),
                         [](const auto& info) {
                           std::string name = std::get<0>(info.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name + (std::get<1>(info.param) == Dtype::f32 ? "_f32" : "_bf16");
                         });

}  // namespace
}  // namespace fovea
