// Token merging in Segment Anything's encoder, against an encoder in plain loops and double
// precision that pads windows cell by cell, and what must always hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "fovea/backend/cpu/instruction_set.h"
#include "fovea/fovea.h"
#include "fovea/io/npy.h"
#include "fovea/io/testing.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/cost.h"
#include "fovea/model/testing.h"
#include "fovea/model/weights.h"
#include "tests/compare.h"
#include "tests/paths.h"

namespace fovea {
namespace {

const std::filesystem::path kModels = test_data() / "goldens-sam";

using Rows = std::vector<std::vector<double>>;

// A token of one image: its features, the cell that it stands for among others, and all of these.
struct PlainToken {
  std::vector<double> x;
  int row = 0;
  int column = 0;
  std::vector<int> cells;
};
using PlainTokens = std::vector<PlainToken>;

double dot(const double* a, const double* b, int64_t n) {
  return std::inner_product(a, a + n, b, 0.0);
}

// The encoder up to its neck. r: of a full window, in every layer.
class PlainEncoder {
 public:
  explicit PlainEncoder(const std::filesystem::path& folder)
      : checkpoint_(Checkpoint::open(folder)),
        weights_(checkpoint_),
        a_(infer_architecture(checkpoint_, read_config(folder))) {}

  // image: [3, S, S]. Tokens in the library's order: window after window.
  PlainTokens run(const float* image, int r) {
    PlainTokens tokens = embed(image);
    for (int layer = 0; layer < a_.depth; ++layer) tokens = run_layer(tokens, layer, r);
    return tokens;
  }

  const Architecture& architecture() const { return a_; }

 private:
  int side() const { return a_.position_grid.rows; }
  int window_of(const PlainToken& token) const {
    const int across = (side() + a_.window - 1) / a_.window;
    return token.row / a_.window * across + token.column / a_.window;
  }

  std::vector<double> values(const std::string& name, const Shape& shape) {
    const Array read = weights_.read(name, shape);
    return {read.data.begin(), read.data.end()};
  }

  std::vector<double> linear(const std::vector<double>& x, const std::string& name, int64_t out) {
    const auto in = static_cast<int64_t>(x.size());
    const auto weight = values(name + ".weight", {out, in});
    std::vector<double> y = values(name + ".bias", {out});
    for (int64_t o = 0; o < out; ++o) y[o] += dot(weight.data() + o * in, x.data(), in);
    return y;
  }

  std::vector<double> norm(std::vector<double> x, const std::string& name) {
    const auto n = static_cast<int64_t>(x.size());
    const auto gamma = values(name + ".weight", {n});
    const auto beta = values(name + ".bias", {n});
    const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(n);
    double variance = 0;
    for (const double value : x) {
      variance += (value - mean) * (value - mean) / static_cast<double>(n);
    }
    for (int64_t i = 0; i < n; ++i)
      x[i] = (x[i] - mean) / std::sqrt(variance + 1e-6) * gamma[i] + beta[i];
    return x;
  }

  PlainTokens embed(const float* image) {
    const int patch = a_.patch.rows;
    const int pixels = side() * patch;
    const auto positions = values("pos_embed", {1, side(), side(), a_.width});
    PlainTokens tokens;
    for (int cell = 0; cell < side() * side(); ++cell) {
      std::vector<double> values_of_patch;
      for (int i = 0; i < 3 * patch * patch; ++i) {
        const int y = cell / side() * patch + i / patch % patch;
        const int x = cell % side() * patch + i % patch;
        values_of_patch.push_back(image[(i / (patch * patch) * pixels + y) * pixels + x]);
      }
      const auto weight = values("patch_embed.proj.weight", {a_.width, 3, patch, patch});
      std::vector<double> x = values("patch_embed.proj.bias", {a_.width});
      for (int c = 0; c < a_.width; ++c) {
        x[c] += positions[cell * a_.width + c] + dot(weight.data() + c * values_of_patch.size(),
                                                     values_of_patch.data(),
                                                     static_cast<int64_t>(values_of_patch.size()));
      }
      tokens.push_back({std::move(x), cell / side(), cell % side(), {cell}});
    }
    return tokens;
  }

  PlainTokens run_layer(PlainTokens tokens, int layer, int r) {
    const bool is_over_all = a_.layer(layer).window == 0;
    std::map<int, PlainTokens> groups;
    for (PlainToken& token : tokens) groups[window_of(token)].push_back(std::move(token));
    PlainTokens all;
    for (auto& [window, group] : groups) {
      if (!is_over_all) group = run_group(std::move(group), layer, count_in(window, r), window);
      all.insert(all.end(), group.begin(), group.end());
    }
    if (!is_over_all) return all;
    const int whole = side() / a_.window;
    return run_group(std::move(all), layer, r * whole * whole, -1);
  }

  int count_in(int window, int r) const {
    const int across = (side() + a_.window - 1) / a_.window;
    const int rows = std::min(a_.window, side() - window / across * a_.window);
    const int columns = std::min(a_.window, side() - window % across * a_.window);
    return static_cast<int>(std::lround(double{1} * r * rows * columns / (a_.window * a_.window)));
  }

  // One sequence through a layer; window -1: whole images, without padding.
  PlainTokens run_group(PlainTokens tokens, int layer, int r, int window) {
    const std::string block = "blocks." + std::to_string(layer) + ".";
    const Rows keys = attend(tokens, block + "attns.0.", layer, window);
    tokens = merge(tokens, keys, r);
    for (PlainToken& token : tokens) {
      std::vector<double> hidden = linear(norm(token.x, block + "ffns.0.norm"),
                                          block + "ffns.0.mlp.fc1", a_.block.mlp_width);
      for (double& h : hidden) h *= 0.5 * (1 + std::erf(h / std::sqrt(2.0)));
      const std::vector<double> update = linear(hidden, block + "ffns.0.mlp.fc2", a_.width);
      for (int c = 0; c < a_.width; ++c) token.x[c] += update[c];
    }
    return tokens;
  }

  // Adds attention to the tokens; the mean of their keys over heads.
  Rows attend(PlainTokens& tokens, const std::string& name, int layer, int window) {
    const int c = a_.width;
    const int d = c / a_.block.heads;
    Rows qkv;
    PlainTokens seen = tokens;
    for (const PlainToken& token : tokens)
      qkv.push_back(linear(norm(token.x, name + "norm"), name + "attn.qkv", 3 * int64_t{c}));
    for (int cell = 0; window >= 0 && cell < a_.window * a_.window; ++cell) {
      const int across = (side() + a_.window - 1) / a_.window;
      const int row = window / across * a_.window + cell / a_.window;
      const int column = window % across * a_.window + cell % a_.window;
      if (row < side() && column < side()) continue;
      seen.push_back({{}, row, column, {-1}});
      qkv.push_back(values(name + "attn.qkv.bias", {3 * int64_t{c}}));
    }
    const Grid extent = a_.layer(layer).decomposed;
    const auto down = values(name + "attn.rel_pos_h", {2 * int64_t{extent.rows} - 1, d});
    const auto across = values(name + "attn.rel_pos_w", {2 * int64_t{extent.columns} - 1, d});
    Rows out(tokens.size(), std::vector<double>(c));
    for (size_t i = 0; i < tokens.size(); ++i) {
      for (int head = 0; head < a_.block.heads; ++head) {
        const double* q = qkv[i].data() + head * d;
        std::vector<double> weights;
        for (size_t j = 0; j < seen.size(); ++j) {
          const int y = extent.rows - 1 + seen[i].row - seen[j].row;
          const int x = extent.columns - 1 + seen[i].column - seen[j].column;
          weights.push_back(static_cast<double>(seen[j].cells.size()) *
                            std::exp(dot(q, qkv[j].data() + c + head * d, d) / std::sqrt(d) +
                                     dot(q, down.data() + y * d, d) +
                                     dot(q, across.data() + x * d, d)));
        }
        const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
        for (size_t j = 0; j < seen.size(); ++j) {
          for (int f = head * d; f < (head + 1) * d; ++f)
            out[i][f] += weights[j] / total * qkv[j][2 * c + f];
        }
      }
    }
    Rows keys(tokens.size(), std::vector<double>(d));
    for (size_t i = 0; i < tokens.size(); ++i) {
      for (int f = 0; f < c; ++f) keys[i][f % d] += qkv[i][c + f] / a_.block.heads;
      const std::vector<double> update = linear(out[i], name + "attn.proj", c);
      for (int f = 0; f < c; ++f) tokens[i].x[f] += update[f];
    }
    return keys;
  }

  // The paper's matching of even positions against odd ones; what is left of the even ones comes
  // first, by falling likeness, as in the library.
  static PlainTokens merge(const PlainTokens& tokens, const Rows& keys, int r) {
    struct Edge {
      size_t from, to;
      double score;
    };
    std::vector<Edge> edges;
    for (size_t i = 0; i < tokens.size(); i += 2) {
      Edge edge{i, 1, -2};
      for (size_t j = 1; j < tokens.size(); j += 2) {
        const auto d = static_cast<int64_t>(keys[i].size());
        const double score = dot(keys[i].data(), keys[j].data(), d) /
                             std::sqrt(dot(keys[i].data(), keys[i].data(), d) *
                                       dot(keys[j].data(), keys[j].data(), d));
        if (score > edge.score) edge = {i, j, score};
      }
      edges.push_back(edge);
    }
    const size_t count = std::min<size_t>(r, tokens.size() / 2);
    if (count == 0) return tokens;
    std::stable_sort(edges.begin(), edges.end(),
                     [](const Edge& a, const Edge& b) { return a.score > b.score; });
    PlainTokens left;
    for (size_t e = count; e < edges.size(); ++e) left.push_back(tokens[edges[e].from]);
    for (size_t j = 1; j < tokens.size(); j += 2) {
      PlainToken sum = tokens[j];
      for (double& x : sum.x) x *= static_cast<double>(tokens[j].cells.size());
      for (size_t e = 0; e < count; ++e) {
        if (edges[e].to != j) continue;
        const PlainToken& member = tokens[edges[e].from];
        for (size_t c = 0; c < sum.x.size(); ++c)
          sum.x[c] += member.x[c] * static_cast<double>(member.cells.size());
        sum.cells.insert(sum.cells.end(), member.cells.begin(), member.cells.end());
      }
      for (double& x : sum.x) x /= static_cast<double>(sum.cells.size());
      left.push_back(std::move(sum));
    }
    return left;
  }

  Checkpoint checkpoint_;
  CheckpointWeights weights_;
  Architecture a_;
};

Array image_for(const Architecture& a) {
  return varied_images(1, int64_t{a.position_grid.rows} * a.patch.rows);
}

MergeOptions merging(int r) { return {.schedule = {.r = r}}; }

class SegmentMerging : public testing::TestWithParam<const char*> {
 protected:
  void TearDown() override { unsetenv("FOVEA_SIMD"); }
};

TEST_P(SegmentMerging, IsThatOfPlainLoops) {
  PlainEncoder plain(kModels / GetParam());
  const Array image = image_for(plain.architecture());
  for (const int r : {0, 1, 2}) {
    const PlainTokens want = plain.run(image.data.data(), r);
    std::vector<int32_t> source(plain.architecture().position_grid.size(), -1);
    for (size_t token = 0; token < want.size(); ++token) {
      for (const int cell : want[token].cells) source[cell] = static_cast<int32_t>(token);
    }
    for (const InstructionSet level : available_levels()) {
      SCOPED_TRACE(to_string(level) + " r " + std::to_string(r));
      setenv("FOVEA_SIMD", to_string(level).c_str(), 1);
      const Model model = Model::load(kModels / GetParam(), {.threads = 2});
      const Result got = model.run(image, {.merge = merging(r)});
      ASSERT_EQ(got.tokens.shape[1], static_cast<int64_t>(want.size()));
      EXPECT_EQ(got.source.data, source);
      for (size_t token = 0; token < want.size(); ++token) {
        EXPECT_EQ(got.sizes.data[token], static_cast<float>(want[token].cells.size()));
        for (size_t c = 0; c < want[token].x.size(); ++c) {
          ASSERT_NEAR(got.tokens.data[token * want[token].x.size() + c], want[token].x[c], 1e-3);
        }
      }
    }
  }
}

TEST_P(SegmentMerging, NothingMergedIsThePlainEncoderToTheBit) {
  const Model model = Model::load(kModels / GetParam(), {.threads = 2});
  const Array image = image_for(model.architecture());
  const Array dense = model.run(image).embedding;
  EXPECT_EQ(model.run(image, {.merge = merging(0)}).embedding.data, dense.data);
  MergeOptions unmerged = merging(0);
  unmerged.unmerge_every = 1;
  EXPECT_EQ(model.run(image, {.merge = unmerged}).embedding.data, dense.data);
}

TEST_P(SegmentMerging, SizesAddUpAndEveryCellHasASource) {
  const Model model = Model::load(kModels / GetParam(), {.threads = 2});
  const Architecture& a = model.architecture();
  const Array image = image_for(a);
  for (const char* schedule : {"1", "3", "50%", "25%", "9,0,9"}) {
    for (const char* matching : {"bipartite", "greedy", "kmeans", "kth", "random-bipartite"}) {
      MergeOptions merge;
      merge.schedule = parse_schedule(a.depth == 3 ? schedule : "2");
      merge.matching = parse_matching(matching);
      const Result result = model.run(image, {.merge = merge});
      const double total = std::accumulate(result.sizes.data.begin(), result.sizes.data.end(), 0.0);
      EXPECT_EQ(total, static_cast<double>(a.position_grid.size())) << schedule << ' ' << matching;
      std::vector<float> counted(result.sizes.data.size());
      for (const int32_t token : result.source.data) ++counted.at(token);
      EXPECT_EQ(counted, result.sizes.data) << schedule << ' ' << matching;
      EXPECT_TRUE(expect_finite(result.embedding.data, "embedding"));
    }
  }
}

TEST_P(SegmentMerging, UnmergedTokensGoOnOneByOne) {
  const Model model = Model::load(kModels / GetParam(), {.threads = 2});
  const Array image = image_for(model.architecture());
  MergeOptions merge;
  merge.schedule = parse_schedule("2,0");
  merge.unmerge_every = 1;
  const Result result = model.run(image, {.merge = merge});
  EXPECT_EQ(result.sizes.data, std::vector<float>(model.architecture().position_grid.size(), 1.0F));
  EXPECT_LT(result.layer_tokens.data.front(), model.architecture().position_grid.size());
  EXPECT_NE(result.embedding.data, model.run(image).embedding.data);
}

TEST_P(SegmentMerging, CountsAreThoseOfARun) {
  const Model model = Model::load(kModels / GetParam(), {.threads = 2});
  const Architecture& a = model.architecture();
  const Array image = image_for(a);
  for (const char* schedule : {"0", "1", "2,0"}) {
    MergeOptions merge;
    merge.schedule = parse_schedule(schedule);
    const Result result = model.run(image, {.merge = merge});
    const Cost counted = cost(a, a.position_grid * a.patch, merge);
    EXPECT_TRUE(std::equal(counted.tokens_per_layer.begin(), counted.tokens_per_layer.end(),
                           result.layer_tokens.data.begin()))
        << schedule;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, SegmentMerging, testing::Values("sam", "sam-padded-window"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace fovea
