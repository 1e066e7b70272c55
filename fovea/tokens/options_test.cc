#include "fovea/tokens/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fovea/io/error.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Amount> layers(const Schedule& schedule, int depth) {
  return layer_schedule({.schedule = schedule}, depth);
}

std::vector<Amount> layers(int r, double inflect, int depth) {
  Schedule schedule;
  schedule.r = r;
  schedule.inflect = inflect;
  return layers(schedule, depth);
}

TEST(LayerSchedule, IsConstantByDefault) {
  EXPECT_THAT(layers(13, 0, 4), ElementsAre(13, 13, 13, 13));
}

TEST(LayerSchedule, FallsAndRisesWithInflect) {
  EXPECT_THAT(layers(4, -1, 3), ElementsAre(8, 4, 0));
  EXPECT_THAT(layers(4, 1, 3), ElementsAre(0, 4, 8));
  EXPECT_THAT(layers(4, 0.5, 3), ElementsAre(2, 4, 6));
  EXPECT_THAT(layers(16, -1, 12), ElementsAre(32, 29, 26, 23, 20, 17, 14, 11, 8, 5, 2, 0));
}

TEST(LayerSchedule, OneLayerTakesR) { EXPECT_THAT(layers(5, -1, 1), ElementsAre(5)); }

TEST(LayerSchedule, PadsAListWithZeros) {
  EXPECT_THAT(layers(parse_schedule("8,0,5"), 5), ElementsAre(8, 0, 5, 0, 0));
  EXPECT_THAT(layers(parse_schedule("12,0"), 3), ElementsAre(12, 0, 0));
}

TEST(LayerSchedule, KeepsShares) {
  EXPECT_THAT(layers(parse_schedule("8%"), 2), ElementsAre(Amount::percent(8), Amount::percent(8)));
  EXPECT_THAT(layers(parse_schedule("8%,0,5"), 4), ElementsAre(Amount::percent(8), 0, 5, 0));
}

TEST(LayerSchedule, RefusesSharesThatNoMatchingReaches) {
  EXPECT_THAT(error_of([] { layers({.r = Amount::percent(51)}, 2); }),
              HasSubstr("r is 51%; expected a share from 0% to 50%"));
  EXPECT_THAT(error_of([] {
                layers({.per_layer = {1, Amount::percent(-1)}}, 2);
              }),
              HasSubstr("r is -1% in a list for each layer; expected a share"));
  EXPECT_THAT(error_of([] { layers({.r = Amount::percent(NAN)}, 2); }),
              HasSubstr("expected a share"));
  EXPECT_THAT(error_of([] { layers({.r = Amount::percent(8), .inflect = 1}, 2); }),
              HasSubstr("inflect is 1 beside r 8%; expected a number of tokens, or no inflect"));
}

TEST(LayerSchedule, RefusesWhatNoModelCanDo) {
  EXPECT_THAT(error_of([] { layers(parse_schedule("1,2,3"), 2); }),
              HasSubstr("3 numbers, one for each layer; the model has 2 layers"));
  EXPECT_THAT(error_of([] { layers(-1, 0, 2); }), HasSubstr("r is -1; expected 0 or more"));
  EXPECT_THAT(error_of([] { layers(2147483647, -1, 2); }),
              HasSubstr("r is 2147483647; expected at most 1000000"));
  EXPECT_THAT(error_of([] { layers(4, 1.5, 2); }),
              HasSubstr("inflect is 1.5; expected a number from -1 to 1"));
  EXPECT_THAT(error_of([] { layers(4, NAN, 2); }), HasSubstr("expected a number from -1 to 1"));
}

TEST(ParseSchedule, NamesWhatIsNotANumber) {
  for (const char* text :
       {"abc", "-1", "", "1.5", "3,", ",3", "3,,4", "1,x", " 3", "1000001", "99999999999"}) {
    EXPECT_THAT(error_of([&] { parse_schedule(text); }), HasSubstr(std::string("--r ") + text))
        << text;
  }
}

TEST(ParseSchedule, SaysWhatIsPossible) {
  EXPECT_THAT(error_of([] { parse_schedule("0.5"); }),
              HasSubstr("--r 0.5: expected a whole number of tokens from 0 to 1000000 (13), a list "
                        "with one for each layer (8,0,5), or a share such as 8%"));
  for (const char* text : {"60%", "-1%", "%", "8,50.5%", "nan%", "8%%"}) {
    EXPECT_EQ(error_of([&] { parse_schedule(text); }),
              "--r " + std::string(text) + ": expected a share from 0% to 50% of the tokens");
  }
}

TEST(ParseSchedule, PrintsBack) {
  for (const char* text : {"0", "13", "8,0,5", "12,0", "8%", "12.5%", "8%,0,5%", "0%,50%"})
    EXPECT_EQ(to_string(parse_schedule(text)), text);
  Schedule schedule = parse_schedule("13");
  schedule.inflect = -1;
  EXPECT_EQ(to_string(schedule), "13 (inflect -1)");
}

TEST(Names, AreParsedAndListed) {
  EXPECT_EQ(parse_metric("k_concat"), Metric::k_concat);
  EXPECT_EQ(parse_distance("softmax"), Distance::softmax);
  EXPECT_EQ(parse_merge_mode("amax"), MergeMode::amax);
  EXPECT_EQ(parse_matching("random-bipartite"), Matching::random_bipartite);
  EXPECT_EQ(parse_partitioning("sequential"), Partitioning::sequential);
  EXPECT_EQ(parse_placement("after-mlp"), Placement::after_mlp);
  EXPECT_EQ(error_of([] { parse_metric("z"); }),
            "--metric z: expected one of k, q, v, x, k_concat, k_rotated");
  EXPECT_THAT(error_of([] { parse_distance(""); }), HasSubstr("cosine, dot, euclidean, softmax"));
  EXPECT_THAT(error_of([] { parse_merge_mode("max"); }), HasSubstr("--merge max: expected one of"));
}

}  // namespace
}  // namespace fovea
