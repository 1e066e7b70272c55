// From images to tokens: the stem (see Stem), prefix tokens and positions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fovea/backend/backend.h"
#include "fovea/backend/grid.h"
#include "fovea/model/attention.h"
#include "fovea/model/positions.h"
#include "fovea/model/recent.h"
#include "fovea/model/weights.h"

namespace fovea {

template <Backend B>
class PatchEmbed {
 public:
  static PatchEmbed load(B& b, WeightSource& weights, const Architecture& a) {
    PatchEmbed embed;
    embed.architecture_ = a;
    embed.load_stem(b, weights);
    embed.load_tokens(b, weights);
    return embed;
  }

  // -> [B, p + P, C]. The input is made of whole patches.
  typename B::Tensor forward(B& b, const Input& input) const {
    const Architecture& a = architecture_;
    std::vector<float> turned;
    typename B::Tensor x = a.stem == Stem::conv ? overlapping(b, input)
                           : a.frequency_first  ? apart(b, transposed(input, turned))
                                                : apart(b, input);
    if (patch_norm_) x = b.layer_norm(x, *patch_norm_);
    x = b.embed(x, *positions_of(b, a.patches_of(input.grid)));
    return pre_norm_ ? b.layer_norm(x, *pre_norm_) : x;
  }

 private:
  // The linear and the hMLP stem: one patch's outputs are nothing to another's.
  typename B::Tensor apart(B& b, const Input& input) const {
    const Architecture& a = architecture_;
    typename B::Tensor x = b.patches(input, a.patch, a.step(), splits_);
    for (size_t stage = 0; stage + 1 < stages_.size(); ++stage) {
      const int side = a.convolutions[stage + 1].kernel;
      x = b.fold(b.linear(x, stages_[stage], Activation::gelu), side * side);
    }
    return b.linear(x, stages_.back());
  }

  typename B::Tensor overlapping(B& b, const Input& input) const {
    typename B::Tensor x = b.patches(input, {1, 1}, {1, 1}, {});
    Grid grid = input.grid;
    for (size_t i = 0; i < architecture_.convolutions.size(); ++i) {
      const int stride = architecture_.convolutions[i].stride;
      x = b.convolve(x, stages_[i], grid, stride, Activation::gelu);
      grid = grid / Grid(stride, stride);
    }
    return b.linear(x, stages_.back());
  }

  void load_stem(B& b, WeightSource& weights) {
    const Architecture& a = architecture_;
    const std::string name = "patch_embed.proj";
    int64_t channels = a.in_channels;
    for (size_t i = 0; i < a.convolutions.size(); ++i) {
      load_convolution(b, weights, i, channels);
      channels = a.convolutions[i].channels;
      // Of a patch, outermost first.
      if (a.stem == Stem::hmlp && i > 0) splits_.insert(splits_.begin(), a.convolutions[i].kernel);
    }
    if (a.stem == Stem::hmlp) return;
    const bool is_linear = a.stem == Stem::linear;
    const std::string last = is_linear ? name : name + "." + std::to_string(3 * stages_.size());
    Shape shape = {a.width, channels, is_linear ? a.patch.rows : 1,
                   is_linear ? a.patch.columns : 1};
    if (a.medium == Medium::video) shape.insert(shape.begin() + 2, a.patch.frames);
    const Weight weight = weights.named(last + ".weight", shape, Start::convolution);
    stages_.push_back(b.make_linear(
        weight, a.patch_bias ? weights.named(last + ".bias", {a.width}, Start::zero) : Weight{}));
  }

  void load_convolution(B& b, WeightSource& weights, size_t index, int64_t channels) {
    const StemConvolution& step = architecture_.convolutions[index];
    const std::string convolution = "patch_embed.proj." + std::to_string(3 * index);
    const std::string norm = "patch_embed.proj." + std::to_string(3 * index + 1);
    const int64_t out = step.channels;
    const Weight weight = weights.named(
        convolution + ".weight", {out, channels, step.kernel, step.kernel}, Start::convolution);
    const bool is_apart = architecture_.stem == Stem::hmlp;
    const Weight bias =
        is_apart ? weights.named(convolution + ".bias", {out}, Start::zero) : Weight{};
    const BatchNorm batch_norm = {weights.named(norm + ".weight", {out}, Start::one),
                                  weights.named(norm + ".bias", {out}, Start::zero),
                                  weights.named(norm + ".running_mean", {out}, Start::zero),
                                  weights.named(norm + ".running_var", {out}, Start::one)};
    const bool sees_pixels = is_apart && index == 0;
    stages_.push_back(
        b.make_convolution(weight, bias, batch_norm,
                           sees_pixels ? RowOrder::channels_first : RowOrder::channels_last));
  }

  void load_tokens(B& b, WeightSource& weights) {
    const Architecture& a = architecture_;
    const auto norm = [&](const char* name, std::optional<NormKind> kind) {
      return kind ? std::optional(read_norm(b, weights, name, a.width, a.block.eps, *kind))
                  : std::nullopt;
    };
    patch_norm_ = norm("patch_embed.norm", a.patch_norm);
    const auto read = [&](const char* name, int rows) {
      return b.make_rows(weights.named(name, {1, rows, a.width}));
    };
    if (a.class_token) prefix_.push_back(read("cls_token", 1));
    if (a.distillation_token) prefix_.push_back(read("dist_token", 1));
    if (a.registers > 0) prefix_.push_back(read("reg_token", a.registers));
    const Grid& grid = a.position_grid;
    if (a.split_positions) {
      const Grid patches = a.patches_of(a.image_size);
      if (a.class_token) table_ = read("pos_embed_class", 1);
      of_frames_ = read("pos_embed_temporal", patches.frames);
      of_places_ = read("pos_embed_spatial", static_cast<int>(patches.frame_size()));
    } else if (!grid.empty()) {
      table_ = b.make_rows(weights.named("pos_embed", {1, grid.rows, grid.columns, a.width}));
    } else if (a.position_rows > 0) {
      table_ = read("pos_embed", a.position_rows);
    }
    pre_norm_ = norm("norm_pre", a.pre_norm);
  }

  using Positions = std::shared_ptr<const typename B::Positions>;

  Positions make_positions(B& b, const Grid& grid) const {
    const PositionMap map = B::kComputes ? position_map(architecture_, grid) : PositionMap();
    const typename B::Rows table =
        architecture_.split_positions ? b.cross(table_, of_frames_, of_places_) : table_;
    return std::make_shared<const typename B::Positions>(b.positions(prefix_, table, map));
  }

  // Kept for the grids of late, unless training changes them.
  Positions positions_of(B& b, const Grid& grid) const {
    if constexpr (B::kTrains) {
      return make_positions(b, grid);
    } else {
      return cache_->get(grid, [&] { return make_positions(b, grid); });
    }
  }

  // A server may be sent pictures of any size: tables of a few grids are kept, no more.
  static constexpr size_t kMostGrids = 8;
  using Cache = Recent<Grid, Positions>;

  Architecture architecture_;
  std::vector<typename B::Linear> stages_;
  std::optional<typename B::Norm> patch_norm_;  // behind the stem
  std::optional<typename B::Norm> pre_norm_;    // of tokens with their positions
  std::vector<int> splits_;                     // of a patch, outermost first, for the hMLP stem
  std::vector<typename B::Rows> prefix_;        // class, distillation and register tokens
  typename B::Rows table_;                      // of positions, or of the class token's alone
  typename B::Rows of_frames_, of_places_;      // the others, where they are kept apart
  std::shared_ptr<Cache> cache_ = std::make_shared<Cache>(kMostGrids);
};

}  // namespace fovea
