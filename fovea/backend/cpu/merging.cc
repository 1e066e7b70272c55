// The operations of the CPU backend that token merging needs: features, matching, the merge.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/backend/dot.h"

namespace fovea {
namespace {

// Gives a weighted mean of rows the weighted mean of their lengths.
void rescale(std::span<const float* const> rows, std::span<const float> factors, float total,
             int64_t width, float* mean) {
  const auto length = [width](const float* row) { return std::sqrt(dot(row, row, width)); };
  float wanted = 0;
  for (size_t i = 0; i < rows.size(); ++i) wanted += factors[i] * length(rows[i]);
  const float found = length(mean);
  if (!(found > 0)) return;  // opposite members; NaN stays NaN
  const float scale = wanted / (total * found);
  for (int64_t c = 0; c < width; ++c) mean[c] *= scale;
}

}  // namespace

Tensor Cpu::head_mean(std::span<const Projection> qkv, QkvPart part, int heads) {
  const int64_t width = qkv[0].part(part).channels() / heads;
  Tensor out = like(qkv[0].part(part), width);
  const std::vector<float> ones(qkv.size() * heads, 1.0F);
  for_ranges(out.rows(), 256, [&](int64_t begin, int64_t end) {
    std::vector<const float*> slices(ones.size());
    for (int64_t i = begin; i < end; ++i) {
      for (size_t s = 0; s < slices.size(); ++s) {
        slices[s] = qkv[s / heads].part(part).row(i) + static_cast<int64_t>(s % heads) * width;
      }
      kernels_.weighted_sum(slices.data(), ones.data(), static_cast<int64_t>(slices.size()), width,
                            1.0F / static_cast<float>(slices.size()), out.row(i));
    }
  });
  add_rests(qkv, part, out);
  return out;
}

// Adds to a mean over heads and branches what rounding the inputs took from it.
void Cpu::add_rests(std::span<const Projection> qkv, QkvPart part, const Tensor& mean) {
  const std::vector<float> share(mean.channels(), 1.0F / static_cast<float>(qkv.size()));
  for (const Projection& branch : qkv) {
    if (!branch.rest) continue;
    const Linear& w = (*branch.mean_weights)[static_cast<size_t>(part)];
    run_product(*branch.rest, w, nullptr, kernels::Epilogue::residual, Activation::none, share,
                mean);
  }
}

Tensor Cpu::head_concat(std::span<const Projection> qkv, QkvPart part) {
  const int64_t channels = qkv[0].part(part).channels();
  Tensor out = like(qkv[0].part(part), channels * static_cast<int64_t>(qkv.size()));
  for (int64_t i = 0; i < out.rows(); ++i) {
    float* to = out.row(i);
    for (const Projection& branch : qkv) {
      to = std::copy_n(branch.part(part).row(i), channels, to);
    }
  }
  return out;
}

Tensor Cpu::mean(std::span<const Tensor> x) {
  if (x.size() == 1) return x[0];
  Tensor out = like(x[0], x[0].channels());
  const std::vector<float> ones(x.size(), 1.0F);
  std::vector<const float*> rows(x.size());
  for (int64_t i = 0; i < out.rows(); ++i) {
    for (size_t j = 0; j < x.size(); ++j) rows[j] = x[j].row(i);
    kernels_.weighted_sum(rows.data(), ones.data(), static_cast<int64_t>(rows.size()),
                          out.channels(), 1.0F / static_cast<float>(rows.size()), out.row(i));
  }
  return out;
}

Tensor Cpu::merge(const Tensor& x, std::span<const float> sizes, const Plan& plan, MergeMode mode) {
  Tensor out = make(std::make_shared<Sequences>(plan.first), x.channels());
  for_ranges(out.rows(), 32, [&](int64_t begin, int64_t end) {
    std::vector<const float*> rows;
    std::vector<float> factors;
    for (int64_t i = begin; i < end; ++i) {
      const std::span<const int32_t> members(plan.members.data() + plan.member_begin[i],
                                             plan.member_begin[i + 1] - plan.member_begin[i]);
      if (members.size() == 1 || mode == MergeMode::keep) {
        std::copy_n(x.row(members[0]), x.channels(), out.row(i));
        continue;
      }
      rows.clear();
      factors.clear();
      float total = 0;
      for (const int32_t member : members) {
        rows.push_back(x.row(member));
        factors.push_back(is_weighted(mode) ? sizes[member] : 1.0F);
        total += factors.back();
      }
      const auto count = static_cast<int64_t>(rows.size());
      if (mode == MergeMode::amax) {
        kernels_.maximum(rows.data(), count, x.channels(), out.row(i));
      } else {
        kernels_.weighted_sum(rows.data(), factors.data(), count, x.channels(), 1.0F / total,
                              out.row(i));
      }
      if (mode == MergeMode::rescaled) rescale(rows, factors, total, x.channels(), out.row(i));
    }
  });
  return out;
}

}  // namespace fovea
