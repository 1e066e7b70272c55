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

// A convolution without overlap as the rows of a linear layer, with the batch norm after it folded
// in. weight: [out, in, k, k]; the result is [out, k k in] with channels innermost, or [out, in k
// k] as it lies when `as_it_lies`.
struct FoldedConvolution {
  Array weight;
  Array bias;
};
FoldedConvolution fold_convolution(WeightSource& weights, const std::string& convolution,
                                   const std::string& norm, const Shape& shape, bool as_it_lies);

template <Backend B>
class PatchEmbed {
 public:
  static PatchEmbed load(B& b, WeightSource& weights, const Architecture& a) {
    PatchEmbed embed;
    embed.architecture_ = a;
    embed.load_stem(b, weights);
    embed.load_tokens(weights);
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
    const auto positions = positions_of({static_cast<int>(images.height / a.patch[0]),
                                         static_cast<int>(images.width / a.patch[1])});
    return b.embed(x, positions->prefix, positions->patches);
  }

 private:
  void load_stem(B& b, WeightSource& weights) {
    const Architecture& a = architecture_;
    const std::string name = "patch_embed.proj";
    if (a.stem == Stem::linear) {
      Array weight = weights.read(name + ".weight", {a.width, 3, a.patch[0], a.patch[1]});
      stages_.push_back(b.make_linear(weight, weights.read(name + ".bias", {a.width})));
      return;
    }
    kernels_ = {a.patch[0] / 4, 2, 2};
    splits_ = {2, 2};
    const int narrow = a.width / 4;
    const std::array<int, 4> channels = {3, narrow, narrow, a.width};
    for (int stage = 0; stage < 3; ++stage) {
      const FoldedConvolution folded = fold_convolution(
          weights, name + "." + std::to_string(3 * stage),
          name + "." + std::to_string(3 * stage + 1),
          {channels[stage + 1], channels[stage], kernels_[stage], kernels_[stage]}, stage == 0);
      stages_.push_back(b.make_linear(folded.weight, folded.bias));
    }
  }

  void load_tokens(WeightSource& weights) {
    const Architecture& a = architecture_;
    prefix_ = Array({a.prefix(), a.width}, {});
    const auto append = [&](const char* name, int count) {
      const Array rows = weights.read(name, {1, count, a.width});
      prefix_.data.insert(prefix_.data.end(), rows.data.begin(), rows.data.end());
    };
    if (a.class_token) append("cls_token", 1);
    if (a.distillation_token) append("dist_token", 1);
    if (a.registers > 0) append("reg_token", a.registers);
    if (a.position_rows > 0) {
      table_ = weights.read("pos_embed", {1, a.position_rows, a.width});
      table_.shape = {a.position_rows, a.width};
    }
  }

  std::shared_ptr<const Positions> positions_of(std::array<int, 2> grid) const {
    const std::lock_guard lock(cache_->lock);
    std::shared_ptr<const Positions>& entry = cache_->of_grid[grid];
    if (!entry)
      entry = std::make_shared<Positions>(positions_for(architecture_, prefix_, table_, grid));
    return entry;
  }

  struct Cache {
    std::mutex lock;
    std::map<std::array<int, 2>, std::shared_ptr<const Positions>> of_grid;
  };

  Architecture architecture_;
  std::vector<typename B::Linear> stages_;
  std::vector<int> kernels_;  // side of each stage's convolution, for the hMLP stem
  std::vector<int> splits_;   // of a patch, outermost first
  Array prefix_;              // [p, C]
  Array table_;               // [rows, C]
  std::shared_ptr<Cache> cache_ = std::make_shared<Cache>();
};

}  // namespace fovea
