// Blocks with window attention in plain loops and double precision, padded as Segment Anything pads
// them, and the same blocks on a backend.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "fovea/model/big_little.h"
#include "fovea/model/block.h"
#include "fovea/tokens/windows.h"

namespace fovea {

using WindowRows = std::vector<std::vector<double>>;

// Random weights that remember what they gave.
class RememberedWeights : public WeightSource {
 public:
  Array read(const std::string& name, const Shape& shape) override {
    Array& values = given_[name] = Array(shape);
    const float mean = name.find("norm") != std::string::npos && name.ends_with("weight") ? 1 : 0;
    std::normal_distribution<float> distribution(mean, 0.4F);
    for (float& value : values.data) value = distribution(generator_);
    return values;
  }
  const Array& given(const std::string& name) const { return given_.at(name); }

 private:
  std::map<std::string, Array> given_;
  std::mt19937 generator_{1};
};

// One image of grid[0] x grid[1] patches. Each token sees the window of `side` x `side` that it is
// in, filled up with zeros (after the norm) where the border cuts it.
struct PlainWindows {
  const RememberedWeights& weights;
  std::array<int, 2> grid;
  int side;

  std::vector<double> linear(const std::vector<double>& x, const std::string& name) const {
    const Array& weight = weights.given(name + ".weight");
    const Array& bias = weights.given(name + ".bias");
    std::vector<double> y(bias.data.begin(), bias.data.end());
    for (size_t o = 0; o < y.size(); ++o) {
      for (size_t i = 0; i < x.size(); ++i) y[o] += x[i] * weight.data[o * x.size() + i];
    }
    return y;
  }

  std::vector<double> norm(const std::vector<double>& x, const std::string& name) const {
    const auto count = static_cast<double>(x.size());
    double mean = 0;
    double variance = 0;
    for (const double value : x) mean += value / count;
    for (const double value : x) variance += (value - mean) * (value - mean) / count;
    std::vector<double> y(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      y[i] = (x[i] - mean) / std::sqrt(variance + 1e-6) * weights.given(name + ".weight").data[i] +
             weights.given(name + ".bias").data[i];
    }
    return y;
  }

  static std::vector<double> gelu(std::vector<double> x) {
    for (double& value : x) value *= 0.5 * (1 + std::erf(value / std::sqrt(2.0)));
    return x;
  }

  // Queries, keys and values of all places of the window of patch `patch`.
  WindowRows window_of(const WindowRows& x, int patch, const std::string& norm_name,
                       const std::string& qkv) const {
    WindowRows window;
    const int top = patch / grid[1] / side * side;
    const int left = patch % grid[1] / side * side;
    for (int row = top; row < top + side; ++row) {
      for (int column = left; column < left + side; ++column) {
        const bool is_patch = row < grid[0] && column < grid[1];
        const std::vector<double> zeros(x[0].size());
        window.push_back(
            linear(is_patch ? norm(x[row * grid[1] + column], norm_name) : zeros, qkv));
      }
    }
    return window;
  }

  std::vector<double> attention(const WindowRows& x, int patch, const std::string& norm_name,
                                const std::string& attn, int heads) const {
    const std::vector<double> asking = linear(norm(x[patch], norm_name), attn + ".qkv");
    const WindowRows window = window_of(x, patch, norm_name, attn + ".qkv");
    const size_t channels = asking.size() / 3;
    const size_t width = channels / heads;
    std::vector<double> out(channels);
    for (size_t first = 0; first < channels; first += width) {
      std::vector<double> shares;
      double total = 0;
      for (const std::vector<double>& seen : window) {
        double score = 0;
        for (size_t c = first; c < first + width; ++c) score += asking[c] * seen[channels + c];
        shares.push_back(std::exp(score / std::sqrt(static_cast<double>(width))));
        total += shares.back();
      }
      for (size_t i = 0; i < window.size(); ++i) {
        for (size_t c = first; c < first + width; ++c) {
          out[c] += shares[i] / total * window[i][2 * channels + c];
        }
      }
    }
    return linear(out, attn + ".proj");
  }

  static std::vector<double> sum(std::vector<double> x, const std::vector<double>& y,
                                 double factor = 1) {
    for (size_t i = 0; i < x.size(); ++i) x[i] += factor * y[i];
    return x;
  }

  // The plain block of layer `name` for patch `patch`, its parts weighted.
  std::vector<double> big(const WindowRows& x, int patch, const std::string& name, int heads,
                          double attn, double mlp) const {
    const std::string ffn = name + ".ffns.0";
    const std::vector<double> y = sum(
        x[patch], attention(x, patch, name + ".attns.0.norm", name + ".attns.0.attn", heads), attn);
    const std::vector<double> hidden = gelu(linear(norm(y, ffn + ".norm"), ffn + ".mlp.fc1"));
    return sum(y, linear(hidden, ffn + ".mlp.fc2"), mlp);
  }

  std::vector<double> little(const WindowRows& x, int patch, const std::string& name,
                             int heads) const {
    const std::vector<double> e =
        sum(x[patch], attention(x, patch, name + ".norm1", name + ".attn", heads));
    const std::vector<double> down = linear(norm(e, name + ".norm2"), name + ".mlp.down");
    const std::vector<double> hidden = gelu(linear(down, name + ".mlp.fc1"));
    return sum(e, linear(linear(hidden, name + ".mlp.fc2"), name + ".mlp.up"));
  }
};

// Two images of 5 x 7 patches, in windows of 3 x 3 or of the side given.
class WindowExample {
 public:
  explicit WindowExample(int side = 3)
      : side_(side), windows_(cut_windows(sequences_, kGrid, side)) {
    a_.width = 12;
    a_.block.heads = 3;
    a_.block.mlp_width = 20;
    a_.depth = 2;
    a_.routing = Routing{1, 1, 6, 2, 9, {1}, 0.25};
    std::mt19937 generator(2);
    std::normal_distribution<float> distribution;
    for (float& value : x_.data) value = distribution(generator);
  }

  const Array& x() const { return x_; }
  const Sequences& sequences() const { return sequences_; }
  const Windows& windows() const { return windows_; }

  template <Backend B>
  void check_plain_block(B& b, const typename B::Tensor& x, double tolerance) {
    const Block<B> block = Block<B>::load(b, weights_, a_.layer(1), 1);
    Reduction<B> nothing_merges(merge_course({}, a_.depth), sequences_, 0);
    expect(b.read(block.forward(b, x, nothing_merges, &windows_)), tolerance,
           [&](const PlainWindows& plain, const WindowRows& image, int patch, int32_t /*row*/) {
             return plain.big(image, patch, "blocks.1", a_.block.heads, 1, 1);
           });
  }

  // With a quarter of each window selected.
  template <Backend B>
  void check_routed_block(B& b, const typename B::Tensor& x, double tolerance) {
    const Predictor<B> predictor = Predictor<B>::load(b, weights_, a_, 0);
    const RoutedBlock<B> block = RoutedBlock<B>::load(b, weights_, a_, 1);
    Selection<B> selection = predictor.select(b, x, 0, 0.25, &windows_);
    const std::vector<float> scores = b.read(selection.all_scores).data;
    const std::vector<int32_t>& rows = selection.route.rows;
    Reduction<B> nothing_merges(merge_course({}, a_.depth), sequences_, 0);
    const Array got = b.read(block.forward(b, x, selection, nothing_merges, &windows_));
    const auto weight = [&](const char* name) {
      return weights_.given(std::string("blocks.1.") + name).data[0];
    };
    expect(got, tolerance,
           [&](const PlainWindows& plain, const WindowRows& image, int patch, int32_t row) {
             std::vector<double> out = plain.little(image, patch, "blocks.1.little", 2);
             if (std::find(rows.begin(), rows.end(), row) == rows.end()) return out;
             const std::vector<double> big = plain.big(image, patch, "blocks.1", a_.block.heads,
                                                       1 + weight("alpha_attn") * scores[row],
                                                       1 + weight("alpha_mlp") * scores[row]);
             out = PlainWindows::sum(out, big, weight("gamma"));
             return PlainWindows::sum(out, image[patch], -weight("gamma"));
           });
  }

 private:
  using Wanted =
      std::function<std::vector<double>(const PlainWindows&, const WindowRows&, int, int32_t)>;

  void expect(const Array& got, double tolerance, const Wanted& want) const {
    const PlainWindows plain{weights_, kGrid, side_};
    const int patches = kGrid[0] * kGrid[1];
    for (int32_t first = 0; first < sequences_.back(); first += patches) {
      WindowRows image;
      for (int32_t row = first; row < first + patches; ++row) {
        const auto values = x_.data.begin() + row * a_.width;
        image.emplace_back(values, values + a_.width);
      }
      for (int patch = 0; patch < patches; ++patch) {
        const std::vector<double> values = want(plain, image, patch, first + patch);
        for (int c = 0; c < a_.width; ++c) {
          ASSERT_NEAR(got.data[(first + patch) * a_.width + c], values[c], tolerance)
              << "patch " << patch << ", windows of " << side_;
        }
      }
    }
  }

  static constexpr std::array<int, 2> kGrid = {5, 7};
  const Sequences sequences_ = {0, 35, 70};
  int side_;
  Windows windows_;
  Architecture a_;
  Array x_{Shape{70, 12}};
  RememberedWeights weights_;
};

}  // namespace fovea
