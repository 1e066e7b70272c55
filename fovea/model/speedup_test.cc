#include "fovea/model/speedup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fovea/io/fail.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;

Speedup reached(const MergeOptions& merge, double speedup, int size = 224) {
  return reach_speedup(named_architecture("vit_small_patch16_224"), {size, size}, merge, speedup);
}

double gflops_of(const MergeOptions& merge) {
  return cost(named_architecture("vit_small_patch16_224"), {224, 224}, merge).gflops;
}

TEST(ReachSpeedup, FindsTheLeastR) {
  for (const double inflect : {0.0, -1.0, 0.5}) {
    for (const Matching matching : {Matching::bipartite, Matching::random_prune}) {
      MergeOptions merge{.schedule = {.inflect = inflect}, .matching = matching};
      const Speedup found = reached(merge, 2);
      EXPECT_EQ(found.merge.schedule.inflect, inflect);
      EXPECT_EQ(found.merge.matching, matching);
      EXPECT_EQ(found.merged_gflops, gflops_of(found.merge));
      EXPECT_EQ(found.dense_gflops, gflops_of({}));
      EXPECT_LE(found.merged_gflops, found.dense_gflops / 2);
      merge.schedule.r = found.merge.schedule.r.count() - 1;
      EXPECT_GT(gflops_of(merge), found.dense_gflops / 2) << merge.schedule.r.count();
    }
  }
  EXPECT_EQ(reached({}, 1).merge.schedule.r, Amount(0));
}

TEST(ReachSpeedup, GoesByTheSizeOfTheInput) {
  const int at_224 = reached({}, 1.5).merge.schedule.r.count();
  const int at_448 = reached({}, 1.5, 448).merge.schedule.r.count();
  EXPECT_GT(at_448, 3 * at_224) << "four times the tokens";
}

TEST(ReachSpeedup, MultipliesASchedule) {
  const MergeOptions twice{.schedule = parse_schedule("40,20,0,10")};
  const Speedup found = reached(twice, gflops_of({}) / gflops_of(twice));
  EXPECT_NEAR(found.factor, 1, 0.05);
  EXPECT_EQ(to_string(found.merge.schedule), "40,20,0,10") << "what it comes to itself";
  const Speedup half =
      reached({.schedule = parse_schedule("80,40,0,20")}, gflops_of({}) / gflops_of(twice));
  EXPECT_NEAR(half.factor, 0.5, 0.01);
  EXPECT_EQ(to_string(half.merge.schedule), "40,20,0,10");
}

TEST(ReachSpeedup, MultipliesShares) {
  const Speedup found = reached({.schedule = parse_schedule("4%")}, 2);
  EXPECT_LE(found.merged_gflops, found.dense_gflops / 2);
  EXPECT_NEAR(found.merge.schedule.r.percent(), 4 * found.factor, 1e-4);
  MergeOptions less = found.merge;
  less.schedule.r = Amount::percent(found.merge.schedule.r.percent() - 0.0002);
  EXPECT_GT(gflops_of(less), found.dense_gflops / 2) << "the least";
  EXPECT_THAT(error_of([] { reached({.schedule = parse_schedule("0,4%")}, 3); }),
              HasSubstr("expected at most"));
}

TEST(ReachSpeedup, RefusesWhatNoneReaches) {
  MergeOptions most{.schedule = {.r = kNoLimit}};
  const double limit = std::floor(100 * gflops_of({}) / gflops_of(most)) / 100;
  EXPECT_THAT(error_of([] { reached({}, 20); }),
              testing::EndsWith(fmt::format("is more than any r reaches of 224 x 224 pixels; "
                                            "expected at most {:.2f}",
                                            limit)));
  EXPECT_EQ(error_of([&] { reached({}, limit); }), "") << "what is said to be possible is";
  EXPECT_THAT(error_of([] { reached({.schedule = parse_schedule("0,0")}, 2); }),
              HasSubstr("any multiple of the schedule reaches of 224 x 224 pixels; expected at "
                        "most 1.00"));
  EXPECT_THAT(error_of([] { reached({.threshold = 0.5F}, 2); }), HasSubstr("threshold"));
  EXPECT_THAT(error_of([] { reached({.matching = Matching::kth}, 2); }), HasSubstr("kth"));
  EXPECT_THAT(error_of([] { reached({}, NAN); }), HasSubstr("expected 1 or more"));
}

}  // namespace
}  // namespace fovea
