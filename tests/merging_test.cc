// Ways to merge, through the whole model, against a plain one in double precision; and thresholds,
// shares and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/io/npy.h"
#include "fovea/io/testing.h"
#include "tests/paths.h"
#include "tests/plain_vit.h"

namespace fovea {
namespace {

const std::filesystem::path kModels = test_data() / "goldens";

double cosine_of(const std::vector<double>& a, const std::vector<double>& b) {
  const auto dot = [](const auto& x, const auto& y) {
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
  };
  return dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
}

struct PlainEdge {
  size_t from;
  size_t to;
  double score;
};

std::vector<PlainEdge> plain_edges(const PlainSeen& seen, const std::vector<size_t>& a,
                                   const std::vector<size_t>& b) {
  std::vector<PlainEdge> edges;
  for (const size_t i : a) {
    PlainEdge edge{i, b.at(0), -2};
    for (const size_t j : b) {
      const double score = cosine_of(seen.keys[i], seen.keys[j]);
      if (score > edge.score) edge = {i, j, score};
    }
    edges.push_back(edge);
  }
  return edges;
}

// Tokens that stay, in this order, each with those that merge into it.
PlainGroups groups_of(const std::vector<size_t>& stay, const std::vector<PlainEdge>& edges) {
  PlainGroups groups;
  for (const size_t i : stay) {
    groups.push_back({i});
    for (const PlainEdge& edge : edges) {
      if (edge.to == i) groups.back().push_back(edge.from);
    }
  }
  return groups;
}

// The paper's matching over tokens from `prefix` on, even positions against odd ones, of pairs more
// alike than `threshold`.
PlainGroups plain_bipartite(const PlainSeen& seen, size_t prefix, size_t r, double threshold = -2,
                            bool by_salience = false) {
  std::vector<size_t> a;
  std::vector<size_t> b;
  for (size_t i = prefix; i < seen.keys.size(); ++i) (i % 2 == 0 ? a : b).push_back(i);
  std::vector<PlainEdge> edges = plain_edges(seen, a, b);
  double mean = 0;
  for (size_t i = prefix; i < seen.keys.size(); ++i) {
    mean += seen.class_attention[i] / static_cast<double>(seen.keys.size() - prefix);
  }
  for (PlainEdge& edge : edges) {
    if (!by_salience) continue;
    const double least =
        std::min(seen.class_attention[edge.from], seen.class_attention[edge.to]) / mean;
    edge.score = 1 - (1 - edge.score) * std::pow(least, 0.2);
  }
  const auto stronger = [](const PlainEdge& x, const PlainEdge& y) { return x.score > y.score; };
  std::stable_sort(edges.begin(), edges.end(), stronger);
  const auto alike = static_cast<size_t>(std::count_if(
      edges.begin(), edges.end(), [&](const PlainEdge& edge) { return edge.score > threshold; }));
  const size_t count = std::min({r, (seen.keys.size() - prefix) / 2, alike});
  if (count == 0 && threshold > -2) {  // where nothing merges even the order stays
    std::vector<size_t> all(seen.keys.size());
    std::iota(all.begin(), all.end(), 0);
    return groups_of(all, {});
  }
  std::vector<size_t> stay_of_a;
  for (size_t i = count; i < edges.size(); ++i) stay_of_a.push_back(edges[i].from);
  if (prefix > 0) std::sort(stay_of_a.begin(), stay_of_a.end());
  edges.resize(count);
  std::vector<size_t> stay(prefix);
  std::iota(stay.begin(), stay.end(), 0);
  stay.insert(stay.end(), stay_of_a.begin(), stay_of_a.end());
  stay.insert(stay.end(), b.begin(), b.end());
  return groups_of(stay, edges);
}

PlainGroups plain_kth(const PlainSeen& seen, size_t prefix, size_t k) {
  std::vector<size_t> a;
  std::vector<size_t> b;
  std::vector<size_t> stay(prefix);
  std::iota(stay.begin(), stay.end(), 0);
  const size_t whole = (seen.keys.size() - prefix) / k * k;
  for (size_t i = 0; i < seen.keys.size() - prefix; ++i) {
    if (i >= whole || i % k == k - 1) stay.push_back(prefix + i);
    if (i < whole) (i % k == k - 1 ? b : a).push_back(prefix + i);
  }
  return groups_of(stay, b.empty() ? std::vector<PlainEdge>{} : plain_edges(seen, a, b));
}

PlainGroups plain_attention_prune(const PlainSeen& seen, size_t prefix, size_t r) {
  std::vector<size_t> order(seen.keys.size() - prefix);
  std::iota(order.begin(), order.end(), prefix);
  std::stable_sort(order.begin(), order.end(), [&](size_t i, size_t j) {
    return seen.class_attention[i] < seen.class_attention[j];
  });
  std::vector<size_t> stay(order.begin() + static_cast<int64_t>(std::min(r, order.size() - 1)),
                           order.end());
  for (size_t i = 0; i < prefix; ++i) stay.push_back(i);
  std::sort(stay.begin(), stay.end());
  return groups_of(stay, {});
}

// Runs both on the golden's first image.
void expect_same_as_plain(const std::string& golden, const MergeOptions& options,
                          const PlainChoice& choose) {
  Array image = read_npy(kModels / golden / "input.npy");
  const int side = static_cast<int>(image.shape[2]);
  image.shape[0] = 1;
  image.data.resize(elements(image.shape));
  const Result got = Model::load(kModels / golden, {.threads = 2}).run(image, {.merge = options});
  PlainVit plain(kModels / golden);
  const PlainResult want = plain.run(image.data.data(), side, options.placement, choose);
  expect_plain(got, want);
}

const std::vector<std::string> kPlainGoldens = {"vit", "deit-distilled", "layerscale",
                                                "parallel-plain", "no-class-token"};
constexpr Placement kPlacements[] = {Placement::between, Placement::before_attention,
                                     Placement::after_mlp};

TEST(Merging, BipartiteMatchingIsThePlainOneWhereverItStands) {
  for (const std::string& golden : kPlainGoldens) {
    for (const Placement placement : kPlacements) {
      SCOPED_TRACE(golden);
      const auto prefix = static_cast<size_t>(PlainVit(kModels / golden).architecture().prefix());
      expect_same_as_plain(
          golden, {.schedule = {.r = 5}, .placement = placement},
          [&](const PlainSeen& seen, int) { return plain_bipartite(seen, prefix, 5); });
    }
  }
}

TEST(Merging, AThresholdMergesWhatIsAlikeAndNoMoreThanR) {
  for (const std::string& golden : kPlainGoldens) {
    for (const Placement placement : kPlacements) {
      for (const float threshold : {0.1F, 0.6F}) {
        for (const int r : {7, kNoLimit}) {
          SCOPED_TRACE(golden);
          const auto prefix =
              static_cast<size_t>(PlainVit(kModels / golden).architecture().prefix());
          expect_same_as_plain(
              golden, {.schedule = {.r = r}, .placement = placement, .threshold = threshold},
              [&](const PlainSeen& seen, int) {
                return plain_bipartite(seen, prefix, r, threshold);
              });
        }
      }
    }
  }
}

TEST(Merging, SalienceSparesWhatTheClassTokenAttendsTo) {
  for (const std::string golden : {"vit", "deit-distilled", "layerscale", "parallel-plain"}) {
    for (const Placement placement : kPlacements) {
      SCOPED_TRACE(golden);
      const auto prefix = static_cast<size_t>(PlainVit(kModels / golden).architecture().prefix());
      expect_same_as_plain(
          golden, {.schedule = {.r = 5}, .score = Scoring::salience, .placement = placement},
          [&](const PlainSeen& seen, int) { return plain_bipartite(seen, prefix, 5, -2, true); });
    }
  }
}

TEST(Merging, KthIsThePlainOneAndIgnoresR) {
  for (const std::string& golden : kPlainGoldens) {
    for (const Placement placement : kPlacements) {
      SCOPED_TRACE(golden);
      const auto prefix = static_cast<size_t>(PlainVit(kModels / golden).architecture().prefix());
      expect_same_as_plain(golden, {.matching = Matching::kth, .placement = placement, .k = 3},
                           [&](const PlainSeen& seen, int) { return plain_kth(seen, prefix, 3); });
    }
  }
}

TEST(Merging, AttentionPruningIsThePlainOne) {
  for (const std::string golden : {"vit", "deit-distilled", "layerscale", "parallel-plain"}) {
    for (const Placement placement : kPlacements) {
      SCOPED_TRACE(golden);
      const auto prefix = static_cast<size_t>(PlainVit(kModels / golden).architecture().prefix());
      expect_same_as_plain(
          golden,
          {.schedule = {.r = 4}, .matching = Matching::attention_prune, .placement = placement},
          [&](const PlainSeen& seen, int) { return plain_attention_prune(seen, prefix, 4); });
    }
  }
}

// A batch of `count` different pictures, some of one colour in part.
Array uneven_images(int64_t count, int64_t side) {
  Array images({count, 3, side, side});
  for (size_t i = 0; i < images.data.size(); ++i) {
    const auto image = static_cast<int64_t>(i) / (3 * side * side);
    const bool plain = static_cast<int64_t>(i) / side % side < side * image / count;
    images.data[i] = plain ? 0.3F : std::sin(static_cast<float>(i * i % 1013));
  }
  return images;
}

Array image_of(const Array& images, int64_t index) {
  const int64_t size = elements(images.shape) / images.shape[0];
  Array image({1, images.shape[1], images.shape[2], images.shape[3]});
  std::copy_n(images.data.begin() + index * size, size, image.data.begin());
  return image;
}

TEST(Merging, AThresholdLeavesEveryImageItsOwnNumberOfTokens) {
  const Array images = uneven_images(7, 48);
  const MergeOptions options{.schedule = {.r = kNoLimit}, .threshold = 0.8F};
  for (const std::string golden : {"vit", "no-class-token"}) {
    const Model model = Model::load(kModels / golden, {.threads = 2});
    const Model single = Model::load(kModels / golden, {.threads = 1});
    const Result all = model.run(images, {.merge = options});
    const int64_t longest = all.tokens.shape[1];
    const int64_t width = all.tokens.shape[2];
    const int64_t depth = model.architecture().depth;
    ASSERT_EQ(all.sizes.shape, (Shape{7, longest}));
    ASSERT_EQ(all.layer_tokens.shape, (Shape{7, depth}));
    std::vector<int64_t> lengths;
    for (int64_t i = 0; i < 7; ++i) {
      const Result alone = single.run(image_of(images, i), {.merge = options});
      const int64_t left = alone.tokens.shape[1];
      lengths.push_back(left);
      EXPECT_EQ(all.layer_tokens.data[i * depth + depth - 1], left);
      const auto tokens = all.tokens.data.begin() + i * longest * width;
      const auto sizes = all.sizes.data.begin() + i * longest;
      EXPECT_TRUE(std::equal(alone.tokens.data.begin(), alone.tokens.data.end(), tokens));
      EXPECT_TRUE(std::equal(alone.sizes.data.begin(), alone.sizes.data.end(), sizes));
      EXPECT_EQ(std::accumulate(sizes, sizes + longest, 0.0F),
                static_cast<float>(all.source.shape[1]));
      EXPECT_TRUE(std::all_of(sizes + left, sizes + longest, [](float x) { return x == 0; }));
      EXPECT_TRUE(std::all_of(tokens + left * width, tokens + longest * width,
                              [](float x) { return x == 0; }));
      EXPECT_TRUE(std::equal(alone.logits.data.begin(), alone.logits.data.end(),
                             all.logits.data.begin() + i * all.logits.shape[1]));
    }
    EXPECT_EQ(*std::max_element(lengths.begin(), lengths.end()), longest);
    EXPECT_LT(*std::min_element(lengths.begin(), lengths.end()), longest);
    const Result lean = model.run(images, {.merge = options, .want_tokens = false});
    EXPECT_EQ(lean.layer_tokens.data, all.layer_tokens.data);
    EXPECT_EQ(lean.logits.data, all.logits.data);
  }
}

TEST(Merging, ThresholdsAtTheEnds) {
  for (const std::string golden : {"vit", "no-class-token"}) {
    const Model model = Model::load(kModels / golden);
    const Array images = read_npy(kModels / golden / "input.npy");
    MergeOptions options{.schedule = {.r = kNoLimit}};
    const Result half = model.run(images, {.merge = options});
    options.threshold = -1.1F;
    EXPECT_EQ(model.run(images, {.merge = options}).tokens.data, half.tokens.data);
    options.threshold = 1.1F;
    EXPECT_EQ(model.run(images, {.merge = options}).tokens.data, model.run(images).tokens.data);
  }
}

TEST(Merging, TellsTheTokensOfEveryLayer) {
  const Model model = Model::load(kModels / "vit");
  const Array images = read_npy(kModels / "vit" / "input.npy");
  const MergeOptions options{.schedule = {.per_layer = {5, 0, 7}}};
  const Result result = model.run(images, {.merge = options});
  const Cost expected = cost(model.architecture(), {48, 48}, options);
  for (int64_t i = 0; i < images.shape[0]; ++i) {
    const std::vector<int> of_image(result.layer_tokens.data.begin() + i * 3,
                                    result.layer_tokens.data.begin() + i * 3 + 3);
    EXPECT_EQ(of_image, expected.tokens_per_layer);
    EXPECT_EQ(gflops(model.architecture(), {48, 48}, options, of_image), expected.gflops);
  }
}

TEST(Merging, SharesAreOfTheTokensOfEachImage) {
  const Model model = Model::load(kModels / "vit");
  const Array images = read_npy(kModels / "vit" / "input.npy");
  const MergeOptions counted{.schedule = parse_schedule("4,4,3")};  // 11 % of 36, 32 and 28
  MergeOptions shared{.schedule = parse_schedule("11%")};
  EXPECT_EQ(model.run(images, {.merge = shared}).tokens.data,
            model.run(images, {.merge = counted}).tokens.data);
  // No edge is too weak: a threshold leaves the share of every image.
  shared.threshold = -2;
  EXPECT_EQ(model.run(images, {.merge = shared}).layer_tokens.data,
            model.run(images, {.merge = counted}).layer_tokens.data);
}

TEST(Merging, SeedsDrawOtherTokens) {
  const Model model = Model::load(kModels / "vit");
  const Array images = read_npy(kModels / "vit" / "input.npy");
  for (MergeOptions options : {MergeOptions{.partition = Partitioning::random},
                               MergeOptions{.matching = Matching::random_prune},
                               MergeOptions{.matching = Matching::random_bipartite}}) {
    options.schedule.r = 4;
    const std::vector<int32_t> first = model.run(images, {.merge = options}).source.data;
    EXPECT_EQ(model.run(images, {.merge = options}).source.data, first);
    options.seed = 1;
    EXPECT_NE(model.run(images, {.merge = options}).source.data, first);
  }
}

TEST(Merging, RefusesWhatCanNotBeDone) {
  const Model no_class = Model::load(kModels / "no-class-token");
  const Array images = read_npy(kModels / "no-class-token" / "input.npy");
  const auto error = [&](const MergeOptions& options) {
    return error_of([&] { no_class.run(images, {.merge = options}); });
  };
  EXPECT_THAT(error({.matching = Matching::attention_prune}),
              testing::HasSubstr("the model has no class token; expected another matching"));
  EXPECT_THAT(error({.score = Scoring::salience}), testing::HasSubstr("expected score similarity"));
  EXPECT_THAT(error({.matching = Matching::greedy, .score = Scoring::salience}),
              testing::HasSubstr("goes with matching bipartite and distance cosine alone"));
  EXPECT_THAT(error({.matching = Matching::kth, .k = 0}), testing::HasSubstr("k is 0; expected 1"));
  EXPECT_THAT(error({.distance = Distance::softmax, .matching = Matching::greedy}),
              testing::HasSubstr("expected cosine, dot or euclidean"));
  EXPECT_THAT(error({.schedule = {.r = -1}}), testing::HasSubstr("r is -1"));
  EXPECT_THAT(error({.matching = Matching::greedy, .threshold = 0.5F}),
              testing::HasSubstr("a threshold goes with matching bipartite alone"));
  EXPECT_THAT(error({.threshold = NAN}), testing::HasSubstr("threshold is not a number"));
  EXPECT_THAT(error_of([] {
                cost(named_architecture("vit_tiny_patch16_224"), {224, 224}, {.threshold = 0.5F});
              }),
              testing::HasSubstr("depends on the picture"));
}

}  // namespace
}  // namespace fovea
