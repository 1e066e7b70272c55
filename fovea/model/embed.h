// From images to tokens: the stem (one linear layer, or the hMLP of "three things", section 3),
// prefix tokens and positions.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "fovea/backend/backend.h"
#include "fovea/model/attention.h"
#include "fovea/model/positions.h"
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

  // images [B, 3, H, W] -> [B, p + P, C]. H and W are multiples of the patch.
  typename B::Tensor forward(B& b, const Images& images) const {
    const Architecture& a = architecture_;
    typename B::Tensor x = b.patches(images, a.patch[0], a.patch[1], splits_);
    for (size_t stage = 0; stage + 1 < stages_.size(); ++stage) {
      x = b.fold(b.linear_gelu(x, stages_[stage]), kernels_[stage + 1] * kernels_[stage + 1]);
    }
    x = b.linear(x, stages_.back());
    return b.embed(x, *positions_of(b, {static_cast<int>(images.height / a.patch[0]),
                                        static_cast<int>(images.width / a.patch[1])}));
  }

 private:
  void load_stem(B& b, WeightSource& weights) {
    const Architecture& a = architecture_;
    const std::string name = "patch_embed.proj";
    if (a.stem == Stem::linear) {
      const Shape shape = {a.width, 3, a.patch[0], a.patch[1]};
      stages_.push_back(b.make_linear(weights.named(name + ".weight", shape),
                                      weights.named(name + ".bias", {a.width})));
      return;
    }
    kernels_ = {a.patch[0] / 4, 2, 2};
    splits_ = {2, 2};
    const int narrow = a.width / 4;
    const std::array<int, 4> channels = {3, narrow, narrow, a.width};
    for (int stage = 0; stage < 3; ++stage) {
      const std::string convolution = name + "." + std::to_string(3 * stage);
      const std::string norm = name + "." + std::to_string(3 * stage + 1);
      const int64_t out = channels[stage + 1];
      const Shape shape = {out, channels[stage], kernels_[stage], kernels_[stage]};
      const Weight weight = weights.named(convolution + ".weight", shape);
      const Weight bias = weights.named(convolution + ".bias", {out});
      const BatchNorm batch_norm = {weights.named(norm + ".weight", {out}),
                                    weights.named(norm + ".bias", {out}),
                                    weights.named(norm + ".running_mean", {out}),
                                    weights.named(norm + ".running_var", {out})};
      stages_.push_back(
          b.make_convolution(weight, bias, batch_norm,
                             stage == 0 ? RowOrder::channels_first : RowOrder::channels_last));
    }
  }

  void load_tokens(B& b, WeightSource& weights) {
    const Architecture& a = architecture_;
    const auto read = [&](const char* name, int rows) {
      return b.make_rows(weights.named(name, {1, rows, a.width}));
    };
    if (a.class_token) prefix_.push_back(read("cls_token", 1));
    if (a.distillation_token) prefix_.push_back(read("dist_token", 1));
    if (a.registers > 0) prefix_.push_back(read("reg_token", a.registers));
    if (a.position_rows > 0) table_ = read("pos_embed", a.position_rows);
  }

  using Positions = std::shared_ptr<const typename B::Positions>;

  Positions make_positions(B& b, std::array<int, 2> grid) const {
    return std::make_shared<const typename B::Positions>(
        b.positions(prefix_, table_, position_map(architecture_, grid)));
  }

  // Kept for each grid, unless training changes them.
  Positions positions_of(B& b, std::array<int, 2> grid) const {
    if constexpr (B::kTrains) {
      return make_positions(b, grid);
    } else {
      const std::lock_guard lock(cache_->lock);
      Positions& entry = cache_->of_grid[grid];
      if (!entry) entry = make_positions(b, grid);
      return entry;
    }
  }

  struct Cache {
    std::mutex lock;
    std::map<std::array<int, 2>, Positions> of_grid;
  };

  Architecture architecture_;
  std::vector<typename B::Linear> stages_;
  std::vector<int> kernels_;              // side of each stage's convolution, for the hMLP stem
  std::vector<int> splits_;               // of a patch, outermost first
  std::vector<typename B::Rows> prefix_;  // class, distillation and register tokens
  typename B::Rows table_;                // of positions
  std::shared_ptr<Cache> cache_ = std::make_shared<Cache>();
};

}  // namespace fovea
