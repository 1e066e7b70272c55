// Foveal merging through the whole model: against a plain one in double precision, and what holds
// of it beside what holds of all merging (merging_test.cc).
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

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double length(const std::vector<double>& a) { return std::sqrt(dot(a, a)); }

// LayerNorm without scale and shift.
std::vector<double> normed(const std::vector<double>& row, double eps) {
  const auto width = static_cast<double>(row.size());
  const double mean = std::accumulate(row.begin(), row.end(), 0.0) / width;
  double variance = 0;
  for (const double value : row) variance += (value - mean) * (value - mean) / width;
  std::vector<double> out = row;
  for (double& value : out) value = (value - mean) / std::sqrt(variance + eps);
  return out;
}

// What reads a layer's tokens next makes of them, both readers as large: the rows whose products
// are those that foveal merging compares by.
class PlainReader {
 public:
  PlainReader(PlainVit& vit, int layer) : eps_(vit.architecture().block.eps) {
    const Architecture& a = vit.architecture();
    const int next = std::min(layer + 1, a.depth - 1);
    for (int j = 0; j < a.block.branches; ++j) {
      add(vit, "blocks." + std::to_string(layer) + ".ffns." + std::to_string(j), ".mlp.fc1",
          a.block.mlp_width);
      add(vit, "blocks." + std::to_string(next) + ".attns." + std::to_string(j), ".attn.qkv",
          3 * a.width);
    }
  }

  std::vector<double> read(const std::vector<double>& token) const {
    const std::vector<double> x = normed(token, eps_);
    std::vector<double> out;
    for (const std::vector<double>& row : rows_) out.push_back(dot(row, x));
    return out;
  }

 private:
  // A layer behind a norm, the norm's scale folded in, of length 1 once its rows have no mean.
  void add(PlainVit& vit, const std::string& branch, const std::string& layer, int out) {
    const int width = vit.architecture().width;
    const Array gamma = vit.read(branch + ".norm.weight", {width});
    const Array weight = vit.read(branch + layer + ".weight", {out, width});
    PlainRows rows(out, std::vector<double>(width));
    double squares = 0;
    for (int o = 0; o < out; ++o) {
      for (int c = 0; c < width; ++c) rows[o][c] = weight.data[o * width + c] * gamma.data[c];
      const double mean = std::accumulate(rows[o].begin(), rows[o].end(), 0.0) / width;
      for (double& value : rows[o]) value -= mean;
      squares += dot(rows[o], rows[o]);
    }
    for (std::vector<double>& row : rows) {
      for (double& value : row) value /= std::sqrt(squares);
      rows_.push_back(row);
    }
  }

  double eps_;
  PlainRows rows_;
};

// What foveal merging knows of the tokens beside their features.
struct PlainTokens {
  PlainRows read;
  std::vector<double> attention;
  PlainRows means;              // over the members so far
  std::vector<double> lengths;  // the same of their lengths
};

// Each free token goes to the cheapest that the class token pays more, the `count` cheapest do.
PlainGroups plain_round(const PlainResult& now, const PlainTokens& tokens, size_t prefix,
                        size_t count, const FovealOptions& options) {
  std::vector<size_t> order(now.tokens.size() - prefix);
  std::iota(order.begin(), order.end(), prefix);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t i, size_t j) { return tokens.attention[i] < tokens.attention[j]; });
  struct Edge {
    size_t from, to;
    double cost;
  };
  const auto may = [&](size_t i, size_t j) {
    return options.pairing == Pairing::all || ((i - prefix) % 2 == 0 && (j - prefix) % 2 == 1);
  };
  const auto cost = [&](size_t i, size_t j) {
    const double m = now.sizes[i];
    const double n = now.sizes[j];
    const double cosine =
        dot(tokens.read[i], tokens.read[j]) / (length(tokens.read[i]) * length(tokens.read[j]));
    return (1 - cosine) * std::pow(tokens.attention[i] + 0.1, options.attention) *
           std::pow(m * n / (m + n), options.size);
  };
  std::vector<Edge> edges;
  for (size_t a = 0; a < order.size(); ++a) {
    std::vector<size_t> above;
    std::vector<size_t> below;
    for (size_t b = 0; b < order.size(); ++b) {
      if (may(order[a], order[b])) (b > a ? above : below).push_back(order[b]);
    }
    // Of a half one that is paid more than all of the others may go to the most of these.
    if (above.empty() && options.pairing == Pairing::alternate && !below.empty())
      above.push_back(below.back());
    Edge best{order[a], 0, INFINITY};
    for (const size_t j : above) {
      if (cost(order[a], j) < best.cost) best = {order[a], j, cost(order[a], j)};
    }
    if (best.cost < INFINITY) edges.push_back(best);
  }
  std::stable_sort(edges.begin(), edges.end(),
                   [](const Edge& x, const Edge& y) { return x.cost < y.cost; });
  edges.resize(std::min(count, edges.size()));
  std::vector<size_t> leader(now.tokens.size());
  std::iota(leader.begin(), leader.end(), 0);
  for (const Edge& edge : edges) leader[edge.from] = edge.to;
  PlainGroups groups;
  std::vector<size_t> group_of(leader.size());
  for (size_t i = 0; i < leader.size(); ++i) {
    if (leader[i] != i) continue;
    group_of[i] = groups.size();
    groups.push_back({i});
  }
  for (size_t i = 0; i < leader.size(); ++i) {
    size_t root = i;
    while (leader[root] != root) root = leader[root];
    if (root != i) groups[group_of[root]].push_back(i);
  }
  return groups;
}

// One layer's merge of `r` tokens.
void plain_reduce(PlainVit& vit, PlainResult& now, const PlainSeen& seen, int layer, size_t r,
                  const FovealOptions& options) {
  const auto prefix = static_cast<size_t>(vit.architecture().prefix());
  const PlainReader reader(vit, layer);
  PlainTokens tokens{{}, seen.class_attention, now.tokens, {}};
  double mean = 0;
  for (size_t i = prefix; i < now.tokens.size(); ++i) mean += seen.class_attention[i];
  mean /= static_cast<double>(now.tokens.size() - prefix);
  for (size_t i = 0; i < now.tokens.size(); ++i) {
    tokens.read.push_back(reader.read(now.tokens[i]));
    tokens.lengths.push_back(length(now.tokens[i]));
    if (i >= prefix) tokens.attention[i] /= mean;
  }
  for (int round = 0; round < options.rounds; ++round) {
    const size_t count = r * (round + 1) / options.rounds - r * round / options.rounds;
    const PlainGroups groups = plain_round(now, tokens, prefix, count, options);
    PlainTokens after;
    for (const std::vector<size_t>& group : groups) {
      std::vector<double>& read = after.read.emplace_back(tokens.read[0].size());
      std::vector<double>& token = after.means.emplace_back(now.tokens[0].size());
      double& attention = after.attention.emplace_back(0);
      double& lengths = after.lengths.emplace_back(0);
      double total = 0;
      for (const size_t i : group) {
        const double each = std::max(tokens.attention[i] / now.sizes[i], 1e-4);
        const double w = now.sizes[i] * std::pow(each, options.weight);
        total += w;
        attention += tokens.attention[i];
        lengths += w * tokens.lengths[i];
        for (size_t c = 0; c < token.size(); ++c) token[c] += w * tokens.means[i][c];
        for (size_t c = 0; c < read.size(); ++c) read[c] += w * tokens.read[i][c];
      }
      lengths /= total;
      for (double& value : token) value /= total;
      for (double& value : read) value /= total;
    }
    replace_groups(now, groups, after.means);
    tokens = std::move(after);
  }
  for (size_t i = 0; i < now.tokens.size(); ++i) {
    const double scale = tokens.lengths[i] / length(now.tokens[i]);
    for (double& value : now.tokens[i]) value *= scale;  // by 1 where a token is alone
  }
}

MergeOptions foveal(const Amount& r) {
  MergeOptions options;
  options.schedule.r = r;
  options.method = Method::foveal;
  return options;
}

class FovealTest : public testing::TestWithParam<FovealOptions> {};

TEST_P(FovealTest, IsThePlainOne) {
  for (const std::string golden :
       {"vit", "vit-head64", "deit-distilled", "layerscale", "parallel-plain"}) {
    SCOPED_TRACE(golden);
    PlainVit plain(kModels / golden);
    Array image = read_npy(kModels / golden / "input.npy");
    image.shape[0] = 1;
    image.data.resize(elements(image.shape));
    MergeOptions options = foveal(5);
    options.foveal = GetParam();
    options.foveal.channels = 1024;  // all there are, so that the products are the readers' own
    const std::vector<Amount> r = layer_schedule(options, plain.architecture().depth);
    const Result got = Model::load(kModels / golden, {.threads = 2}).run(image, {.merge = options});
    const PlainResult want =
        plain.run_reduced(image.data.data(), static_cast<int>(image.shape[2]),
                          [&](PlainResult& now, const PlainSeen& seen, int layer) {
                            const size_t free = now.tokens.size() - plain.architecture().prefix();
                            const size_t taken = std::min<size_t>(r[layer].count(), free / 2);
                            plain_reduce(plain, now, seen, layer, taken, GetParam());
                          });
    expect_plain(got, want);
  }
}

INSTANTIATE_TEST_SUITE_P(Parts, FovealTest,
                         testing::Values(FovealOptions{}, FovealOptions{.rounds = 1},
                                         FovealOptions{.rounds = 2}, FovealOptions{.rounds = 3},
                                         FovealOptions{.pairing = Pairing::alternate},
                                         FovealOptions{.attention = 0, .size = 0, .weight = 0},
                                         FovealOptions{.attention = 1, .size = 1, .weight = 1}));

TEST(Foveal, SpreadsRFromEarlyToLateLayersAndKeepsItsSum) {
  const MergeOptions options = foveal(21);
  const std::vector<Amount> layers = layer_schedule(options, 12);
  int sum = 0;
  for (const Amount& r : layers) sum += r.count();
  EXPECT_EQ(sum, 21 * 12);
  EXPECT_EQ(layers.front(), 32);  // 21 * 1.6 / 1.05
  EXPECT_EQ(layers.back(), 10);   // 21 * 0.5 / 1.05
  MergeOptions constant = options;
  constant.schedule.inflect = 0;
  EXPECT_EQ(layer_schedule(constant, 3), std::vector<Amount>(3, 21));
}

TEST(Foveal, SpreadsSharesLikewise) {
  const MergeOptions options = foveal(Amount::percent(10.5));
  const std::vector<Amount> layers = layer_schedule(options, 12);
  EXPECT_NEAR(layers.front().percent(), 16, 1e-9);
  EXPECT_NEAR(layers.back().percent(), 5, 1e-9);
}

TEST(Foveal, ComparesByFewChannelsWhereThereAreMore) {
  const Model model = Model::load(kModels / "vit");
  const Array images = read_npy(kModels / "vit" / "input.npy");
  MergeOptions options = foveal(3);
  options.foveal.channels = 1024;
  const std::vector<int32_t> all = model.run(images, {.merge = options}).source.data;
  options.foveal.channels = 1;
  EXPECT_NE(model.run(images, {.merge = options}).source.data, all);
}

TEST(Foveal, RefusesWhatCanNotBeDone) {
  const auto error = [](const std::string& golden, const MergeOptions& options) {
    const Array images = read_npy(kModels / golden / "input.npy");
    return error_of([&] { Model::load(kModels / golden).run(images, {.merge = options}); });
  };
  using testing::HasSubstr;
  MergeOptions options = foveal(3);
  EXPECT_THAT(error("no-class-token", options), HasSubstr("expected method tome"));
  EXPECT_THAT(error("blvit-every-layer", options), HasSubstr("expected method tome"));
  options.metric = Metric::x;
  EXPECT_THAT(error("vit", options), HasSubstr("metric belongs to method tome"));
  options.metric = Metric::k;
  options.threshold = 0.5F;
  EXPECT_THAT(error("vit", options), HasSubstr("threshold belongs to method tome"));
  options.threshold.reset();
  options.foveal.channels = 0;
  EXPECT_THAT(error("vit", options), HasSubstr("0 channels"));
}

}  // namespace
}  // namespace fovea
