// A Vision Transformer in plain loops and double precision, whose tokens merge as a caller says:
// what the differential tests of merging hold the library against.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/model/architecture.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/config.h"
#include "fovea/model/weights.h"

namespace fovea {

using PlainRows = std::vector<std::vector<double>>;

// What a layer's merging may go by.
struct PlainSeen {
  PlainRows keys;                       // mean over the heads of all branches
  std::vector<double> class_attention;  // mean over the heads of all branches
  std::vector<double> sizes;
};

// Old tokens of each new one, the one that keeps its place first; who is in none is dropped.
using PlainGroups = std::vector<std::vector<size_t>>;
using PlainChoice = std::function<PlainGroups(const PlainSeen& seen, int layer)>;

// One image's tokens after the final norm, their sizes, and the token of each position (-1: none).
struct PlainResult {
  PlainRows tokens;
  std::vector<double> sizes;
  std::vector<int> source;
};

// Changes a layer's tokens between attention and MLP.
using PlainReduce = std::function<void(PlainResult& now, const PlainSeen& seen, int layer)>;

// Puts each group's row of `tokens` in the place of its members.
inline void replace_groups(PlainResult& now, const PlainGroups& groups, PlainRows tokens) {
  std::vector<double> sizes;
  std::vector<int> token(now.tokens.size(), -1);
  for (size_t g = 0; g < groups.size(); ++g) {
    sizes.push_back(0);
    for (const size_t member : groups[g]) {
      token[member] = static_cast<int>(g);
      sizes.back() += now.sizes[member];
    }
  }
  for (int& source : now.source) source = source < 0 ? -1 : token[source];
  now.tokens = std::move(tokens);
  now.sizes = std::move(sizes);
}

// The same tokens, sizes and sources; got: of that image alone.
inline void expect_plain(const Result& got, const PlainResult& want) {
  EXPECT_THAT(got.source.data, testing::ElementsAreArray(want.source));
  EXPECT_THAT(got.sizes.data, testing::ElementsAreArray(want.sizes));
  ASSERT_EQ(static_cast<size_t>(got.tokens.shape[1]), want.tokens.size());
  for (size_t i = 0; i < got.tokens.data.size(); ++i) {
    const auto width = static_cast<size_t>(got.tokens.shape[2]);
    ASSERT_NEAR(got.tokens.data[i], want.tokens[i / width][i % width], 1e-3) << i;
  }
}

// For models with a position embedding of the input's own grid.
class PlainVit {
 public:
  explicit PlainVit(const std::filesystem::path& folder)
      : checkpoint_(Checkpoint::open(folder)),
        weights_(checkpoint_),
        a_(infer_architecture(checkpoint_, read_config(folder))) {}

  const Architecture& architecture() const { return a_; }

  // The dense model.
  PlainResult run(const float* image, int side) {
    return run(image, side, Placement::between, [](const PlainSeen& seen, int) {
      PlainGroups alone;
      for (size_t i = 0; i < seen.sizes.size(); ++i) alone.push_back({i});
      return alone;
    });
  }

  // image: [3, side, side] from `image` on.
  PlainResult run(const float* image, int side, Placement placement, const PlainChoice& choose) {
    PlainResult result = start(image, side);
    for (int layer = 0; layer < a_.depth; ++layer) {
      PlainSeen seen;
      if (placement == Placement::before_attention) {
        PlainRows unused = result.tokens;
        seen = attend(unused, result.sizes, layer);
        merge(result, choose(seen, layer));
      }
      seen = attend(result.tokens, result.sizes, layer);
      if (placement == Placement::between) merge(result, choose(seen, layer));
      mix(result.tokens, layer);
      if (placement == Placement::after_mlp) merge(result, choose(seen, layer));
    }
    if (a_.final_norm) result.tokens = norm(result.tokens, "norm");
    return result;
  }
  PlainResult run_reduced(const float* image, int side, const PlainReduce& reduce) {
    PlainResult result = start(image, side);
    for (int layer = 0; layer < a_.depth; ++layer) {
      const PlainSeen seen = attend(result.tokens, result.sizes, layer);
      reduce(result, seen, layer);
      mix(result.tokens, layer);
    }
    if (a_.final_norm) result.tokens = norm(result.tokens, "norm");
    return result;
  }

  Array read(const std::string& name, const Shape& shape) { return weights_.read(name, shape); }

 private:
  PlainResult start(const float* image, int side) {
    PlainResult result;
    result.tokens = embed(image, side);
    result.sizes.assign(result.tokens.size(), 1.0);
    for (size_t i = 0; i < result.tokens.size(); ++i) result.source.push_back(static_cast<int>(i));
    return result;
  }

  // Planes of values, [channels][height * width].
  struct Planes {
    int side = 0;
    PlainRows channels;
  };

  // A convolution; `bias`: whether it has one.
  Planes convolve(const Planes& x, const std::string& name, int out, int kernel, int stride,
                  int padding, bool bias) {
    const int in = static_cast<int>(x.channels.size());
    const Array weight = weights_.read(name + ".weight", {out, in, kernel, kernel});
    const Array offset = bias ? weights_.read(name + ".bias", {out}) : Array({out});
    Planes y;
    y.side = (x.side + 2 * padding - kernel) / stride + 1;
    for (int o = 0; o < out; ++o) {
      y.channels.emplace_back(y.side * y.side, offset.data[o]);
      for (int i = 0; i < y.side * y.side * in * kernel * kernel; ++i) {
        const int tap = i % (kernel * kernel);
        const int channel = i / (kernel * kernel) % in;
        const int place = i / (kernel * kernel * in);
        const int row = place / y.side * stride + tap / kernel - padding;
        const int column = place % y.side * stride + tap % kernel - padding;
        if (row < 0 || row >= x.side || column < 0 || column >= x.side) continue;
        y.channels[o][place] +=
            static_cast<double>(weight.data[(o * in + channel) * kernel * kernel + tap]) *
            x.channels[channel][row * x.side + column];
      }
    }
    return y;
  }

  void batch_norm(Planes& x, const std::string& name) {
    const Shape shape = {static_cast<int64_t>(x.channels.size())};
    const Array gamma = weights_.read(name + ".weight", shape);
    const Array beta = weights_.read(name + ".bias", shape);
    const Array mean = weights_.read(name + ".running_mean", shape);
    const Array variance = weights_.read(name + ".running_var", shape);
    for (size_t c = 0; c < x.channels.size(); ++c) {
      const double scale = gamma.data[c] / std::sqrt(variance.data[c] + 1e-5);
      for (double& value : x.channels[c]) value = (value - mean.data[c]) * scale + beta.data[c];
    }
  }

  static void gelu(std::vector<double>& values) {
    for (double& value : values) value *= 0.5 * (1 + std::erf(value / std::sqrt(2.0)));
  }

  // Patches as rows.
  PlainRows stem(const float* image, int side) {
    const std::string name = "patch_embed.proj";
    Planes x{side, {}};
    for (int c = 0; c < 3; ++c)
      x.channels.emplace_back(image + c * side * side, image + (c + 1) * side * side);
    if (a_.stem == Stem::linear)
      x = convolve(x, name, a_.width, a_.patch.rows, a_.patch.rows, 0, true);
    int index = 0;
    for (const StemConvolution& step : a_.convolutions) {
      const bool overlaps = a_.stem == Stem::conv;
      const std::string convolution = name + "." + std::to_string(index);
      x = convolve(x, convolution, step.channels, step.kernel, step.stride, overlaps ? 1 : 0,
                   !overlaps);
      batch_norm(x, name + "." + std::to_string(index + 1));
      index += 3;
      if (!overlaps && index == 3 * static_cast<int>(a_.convolutions.size())) continue;
      for (std::vector<double>& channel : x.channels) gelu(channel);
    }
    if (a_.stem == Stem::conv)
      x = convolve(x, name + "." + std::to_string(index), a_.width, 1, 1, 0, true);
    PlainRows rows(x.side * x.side, std::vector<double>(a_.width));
    for (size_t i = 0; i < rows.size(); ++i) {
      for (int c = 0; c < a_.width; ++c) rows[i][c] = x.channels[c][i];
    }
    return rows;
  }

  PlainRows embed(const float* image, int side) {
    const Array positions = weights_.read("pos_embed", {1, a_.position_rows, a_.width});
    PlainRows x;
    if (a_.class_token) x.push_back(token("cls_token"));
    if (a_.distillation_token) x.push_back(token("dist_token"));
    for (std::vector<double>& patch : stem(image, side)) x.push_back(std::move(patch));
    // Of all tokens, or of the patches alone.
    const size_t without = x.size() - static_cast<size_t>(a_.position_rows);
    for (size_t i = 0; i + without < x.size(); ++i) {
      for (int c = 0; c < a_.width; ++c) x[without + i][c] += positions.data[i * a_.width + c];
    }
    return x;
  }

  std::vector<double> token(const std::string& name) {
    const Array row = weights_.read(name, {1, 1, a_.width});
    return {row.data.begin(), row.data.end()};
  }

  PlainRows norm(const PlainRows& x, const std::string& name) {
    const Array gamma = weights_.read(name + ".weight", {a_.width});
    const Array beta = weights_.read(name + ".bias", {a_.width});
    PlainRows out = x;
    for (std::vector<double>& row : out) {
      double mean = 0;
      double variance = 0;
      for (const double value : row) mean += value / a_.width;
      for (const double value : row) variance += (value - mean) * (value - mean) / a_.width;
      for (int c = 0; c < a_.width; ++c) {
        row[c] =
            (row[c] - mean) / std::sqrt(variance + a_.block.eps) * gamma.data[c] + beta.data[c];
      }
    }
    return out;
  }

  PlainRows linear(const PlainRows& x, const std::string& name, int64_t in, int64_t out) {
    const Array weight = weights_.read(name + ".weight", {out, in});
    const Array bias = weights_.read(name + ".bias", {out});
    PlainRows y;
    for (const std::vector<double>& row : x) {
      y.emplace_back(bias.data.begin(), bias.data.end());
      for (int64_t o = 0; o < out; ++o) {
        for (int64_t i = 0; i < in; ++i) y.back()[o] += weight.data[o * in + i] * row[i];
      }
    }
    return y;
  }

  void add(PlainRows& x, const PlainRows& update, const std::string& branch) {
    Array scale({a_.width}, std::vector<float>(a_.width, 1.0F));
    if (a_.block.scale_attention) scale = weights_.read(branch + ".ls.gamma", {a_.width});
    for (size_t i = 0; i < x.size(); ++i) {
      for (int c = 0; c < a_.width; ++c) x[i][c] += scale.data[c] * update[i][c];
    }
  }

  // One head's softmax(q k' / sqrt d + log sizes) v into `out`; adds what the merging sees.
  void attend_head(const PlainRows& qkv, size_t first, const std::vector<double>& sizes,
                   PlainRows& out, PlainSeen& seen) const {
    const size_t width = static_cast<size_t>(a_.width / a_.block.heads);
    const size_t c = static_cast<size_t>(a_.width);
    const double share = 1.0 / (a_.block.heads * a_.block.branches);
    for (size_t i = 0; i < qkv.size(); ++i) {
      std::vector<double> weights(qkv.size());
      double total = 0;
      for (size_t j = 0; j < qkv.size(); ++j) {
        double dot = 0;
        for (size_t f = first; f < first + width; ++f) dot += qkv[i][f] * qkv[j][c + f];
        weights[j] = sizes[j] * std::exp(dot / std::sqrt(static_cast<double>(width)));
        total += weights[j];
      }
      for (size_t j = 0; j < qkv.size(); ++j) {
        const double weight = weights[j] / total;
        for (size_t f = first; f < first + width; ++f) out[i][f] += weight * qkv[j][2 * c + f];
        if (i == 0) seen.class_attention[j] += weight * share;
      }
      for (size_t f = 0; f < width; ++f) seen.keys[i][f] += qkv[i][c + first + f] * share;
    }
  }

  PlainSeen attend(PlainRows& x, const std::vector<double>& sizes, int layer) {
    const size_t width = static_cast<size_t>(a_.width / a_.block.heads);
    PlainSeen seen{PlainRows(x.size(), std::vector<double>(width)), std::vector<double>(x.size()),
                   sizes};
    const PlainRows before = x;
    for (int j = 0; j < a_.block.branches; ++j) {
      const std::string name = "blocks." + std::to_string(layer) + ".attns." + std::to_string(j);
      const PlainRows qkv =
          linear(norm(before, name + ".norm"), name + ".attn.qkv", a_.width, 3 * a_.width);
      PlainRows out(x.size(), std::vector<double>(a_.width));
      for (int head = 0; head < a_.block.heads; ++head)
        attend_head(qkv, head * width, sizes, out, seen);
      add(x, linear(out, name + ".attn.proj", a_.width, a_.width), name);
    }
    return seen;
  }

  void mix(PlainRows& x, int layer) {
    const PlainRows before = x;
    for (int j = 0; j < a_.block.branches; ++j) {
      const std::string name = "blocks." + std::to_string(layer) + ".ffns." + std::to_string(j);
      PlainRows hidden =
          linear(norm(before, name + ".norm"), name + ".mlp.fc1", a_.width, a_.block.mlp_width);
      for (std::vector<double>& row : hidden) gelu(row);
      add(x, linear(hidden, name + ".mlp.fc2", a_.block.mlp_width, a_.width), name);
    }
  }

  // The mean weighted by size.
  void merge(PlainResult& result, const PlainGroups& groups) const {
    PlainRows means;
    for (const std::vector<size_t>& group : groups) {
      std::vector<double>& sum = means.emplace_back(a_.width);
      double size = 0;
      for (const size_t member : group) {
        size += result.sizes[member];
        for (int c = 0; c < a_.width; ++c)
          sum[c] += result.tokens[member][c] * result.sizes[member];
      }
      for (double& value : sum) value /= size;
    }
    replace_groups(result, groups, std::move(means));
  }

  Checkpoint checkpoint_;
  CheckpointWeights weights_;
  Architecture a_;
};

}  // namespace fovea
