// The parameters of the torch backend, and what it makes of those of an embedding.
#include <cmath>

#include "fovea/backend/torch/torch.h"

namespace fovea {
namespace {

// A resampling of one axis as a matrix [outputs, inputs].
torch::Tensor matrix_of(const std::vector<Taps>& taps, int inputs) {
  torch::Tensor matrix = torch::zeros({static_cast<int64_t>(taps.size()), inputs}, torch::kDouble);
  auto entries = matrix.accessor<double, 2>();
  for (size_t i = 0; i < taps.size(); ++i) {
    for (size_t t = 0; t < taps[i].weights.size(); ++t) {
      entries[static_cast<int64_t>(i)][taps[i].first + static_cast<int64_t>(t)] =
          taps[i].weights[t];
    }
  }
  return matrix;
}

}  // namespace

std::vector<Weight> host_copies(const std::vector<TorchParameter>& parameters) {
  std::vector<Weight> weights;
  for (const auto& [name, values] : parameters) {
    const torch::Tensor host = values.detach().to(torch::kCPU, torch::kFloat).contiguous();
    const auto* data = host.const_data_ptr<float>();
    weights.push_back({{host.sizes().vec(), {data, data + host.numel()}}, name});
  }
  return weights;
}

torch::Tensor Torch::parameter(const Weight& weight, bool is_trained) {
  torch::Tensor values = on_device(weight.values.data).reshape(weight.values.shape);
  values.set_requires_grad(is_trained);
  parameters_.push_back({weight.name, values});
  return values;
}

Torch::Linear Torch::make_linear(const Weight& weight, const Weight& bias) {
  Linear linear;
  linear.weight = parameter(weight);
  if (!bias.values.empty()) linear.bias = parameter(bias);
  return linear;
}

Torch::Linear Torch::make_gated_linear(const Weight& weight, const Weight& bias) {
  Linear linear = make_linear(weight, bias);
  linear.is_gated = true;
  return linear;
}

Torch::Linear Torch::make_fixed_linear(const Array& weight) const {
  Linear linear;
  linear.weight = on_device(weight.data).reshape(weight.shape);
  return linear;
}

Torch::Norm Torch::make_fixed_norm(int64_t channels, double eps) const {
  const torch::TensorOptions like = torch::dtype(dtype_).device(device_);
  return {torch::ones({channels}, like), torch::zeros({channels}, like), eps};
}

Torch::Linear Torch::make_convolution(const Weight& weight, const Weight& bias,
                                      const std::optional<BatchNorm>& norm, RowOrder order) {
  Linear linear = make_linear(weight, bias);
  linear.order = order;
  if (!norm) return linear;
  linear.norm = std::make_shared<TorchBatchNorm>(
      TorchBatchNorm{parameter(norm->gamma), parameter(norm->beta), parameter(norm->mean, false),
                     parameter(norm->variance, false), norm->eps});
  return linear;
}

Torch::Linear Torch::make_unfolding(const Weight& weight, const Weight& bias) {
  Linear linear = make_linear(weight, bias);
  linear.unfolds = true;
  return linear;
}

void Torch::make_fixed(const Weight& weight) { parameter(weight, false); }

Torch::Qkv Torch::make_qkv(const Weight& weight, const Weight& bias, int /*heads*/) {
  return make_linear(weight, bias);
}

Torch::Norm Torch::make_norm(const Weight& gamma, const Weight& beta, double eps) {
  const torch::Tensor scale = parameter(gamma);
  return {scale, beta.values.empty() ? torch::zeros_like(scale) : parameter(beta), eps};
}

Torch::Norm Torch::make_rms_norm(const Weight& gamma, double eps) {
  return {parameter(gamma), {}, eps};
}

Torch::Relative Torch::make_relative(const Weight& weight, const Grid& grid) {
  return {grid, shared_parameter(weight)};
}

Torch::Decomposed Torch::make_decomposed(const Weight& rows, const Weight& columns) {
  return {parameter(rows), parameter(columns)};
}

Torch::Vector Torch::make_vector(const Weight& values) { return parameter(values); }

Torch::Rows Torch::make_rows(const Weight& rows) { return parameter(rows); }

Torch::Rows Torch::make_frequencies(const Weight& weight) { return shared_parameter(weight); }

torch::Tensor Torch::shared_parameter(const Weight& weight) {
  for (const TorchParameter& known : parameters_) {
    if (known.name == weight.name) return known.values;
  }
  return parameter(weight);
}

Torch::Rows Torch::cross(const Rows& leading, const Rows& outer, const Rows& inner) {
  const int64_t channels = outer.size(-1);
  const torch::Tensor sums = outer.reshape({-1, 1, channels}) + inner.reshape({1, -1, channels});
  const torch::Tensor rows = sums.reshape({1, -1, channels});
  return leading.defined() ? torch::cat({leading.reshape({1, -1, channels}), rows}, 1) : rows;
}

Torch::Positions Torch::positions(std::span<const Rows> prefix, const Rows& table,
                                  const PositionMap& map) {
  Positions positions;
  if (!prefix.empty()) {
    positions.prefix = torch::cat(std::vector<torch::Tensor>(prefix.begin(), prefix.end()), 1)[0];
  }
  if (!map.fixed.empty()) {
    positions.patches = on_device(map.fixed.data).view(map.fixed.shape);
  }
  if (!table.defined()) return positions;
  const torch::Tensor rows = table.flatten(0, -2);
  if (map.prefix > 0) {
    // A table made for the class token alone leaves the registers without positions.
    const int64_t others = positions.prefix.size(0) - map.prefix;
    positions.prefix =
        positions.prefix + torch::constant_pad_nd(rows.narrow(0, 0, map.prefix), {0, 0, 0, others});
  }
  positions.patches = rows.slice(0, map.prefix);
  if (!map.is_resampled()) return positions;
  const torch::Tensor vertical = matrix_of(map.vertical, map.rows).to(rows.options());
  const torch::Tensor horizontal = matrix_of(map.horizontal, map.columns).to(rows.options());
  const torch::Tensor grid = positions.patches.reshape({map.rows, map.columns, -1});
  const torch::Tensor wide = torch::matmul(horizontal, grid);  // [rows, to columns, C]
  positions.patches =
      torch::matmul(vertical, wide.flatten(1)).reshape({-1, positions.patches.size(1)});
  return positions;
}

}  // namespace fovea
