#include "fovea/backend/torch/torch.h"

#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "fovea/backend/backend.h"
#include "fovea/backend/torch/padding.h"

namespace fovea {
namespace {

static_assert(Backend<Torch>);

constexpr double kBatchNormMomentum = 0.1;  // as PyTorch has it

torch::Tensor activated(const torch::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::gelu:
      return torch::gelu(x);
    case Activation::gelu_tanh:
      return torch::gelu(x, "tanh");
    case Activation::quick_gelu:
      return x * torch::sigmoid(1.702 * x);
    case Activation::silu:
      return torch::silu(x);
    case Activation::relu:
      return torch::relu(x);
    case Activation::none:
      break;
  }
  return x;
}

// Over the last axis.
torch::Tensor normed(const torch::Tensor& x, const TorchNorm& norm) {
  if (norm.beta.defined()) {
    return torch::layer_norm(x, {x.size(-1)}, norm.gamma, norm.beta, norm.eps);
  }
  const torch::Tensor exact = x.to(norm.gamma.scalar_type());
  return exact * torch::rsqrt(exact.square().mean(-1, /*keepdim=*/true) + norm.eps) * norm.gamma;
}

}  // namespace

std::shared_ptr<const Sequences> even_sequences(int64_t batch, int64_t tokens) {
  auto first = std::make_shared<Sequences>();
  for (int64_t b = 0; b <= batch; ++b) first->push_back(static_cast<int32_t>(b * tokens));
  return first;
}

Torch::Torch(torch::Device device, torch::ScalarType dtype) : device_(device), dtype_(dtype) {}

torch::Tensor Torch::on_device(std::span<const float> values) const {
  // from_blob takes no const pointer; it is only read from.
  return torch::from_blob(const_cast<float*>(values.data()), {static_cast<int64_t>(values.size())},
                          torch::kFloat)
      .to(device_, dtype_, /*non_blocking=*/false, /*copy=*/true);
}

Torch::Tensor Torch::patches(const Input& input, const Grid& patch, const Grid& step,
                             std::span<const int> splits) {
  const auto values = static_cast<size_t>(input.batch * input.each());
  // [B, C, frames, rows, columns, f, h, w]: a margin that fills no patch is not seen.
  const torch::Tensor cut = on_device({input.data, values})
                                .view({input.batch, input.channels, input.grid.frames,
                                       input.grid.rows, input.grid.columns})
                                .unfold(2, patch.frames, step.frames)
                                .unfold(3, patch.rows, step.rows)
                                .unfold(4, patch.columns, step.columns);
  // [.., f, splits.., h, splits.., w], then pieces in the order that fold() joins.
  const auto levels = static_cast<int64_t>(splits.size());
  std::vector<int64_t> shape(cut.sizes().begin(), cut.sizes().end() - 2);
  for (int piece : {patch.rows, patch.columns}) {
    for (const int split : splits) {
      shape.push_back(split);
      piece /= split;
    }
    shape.push_back(piece);
  }
  const int64_t first_row = 6;
  const int64_t first_column = first_row + levels + 1;
  std::vector<int64_t> order = {0, 2, 3, 4};
  for (int64_t level = 0; level < levels; ++level) {
    order.push_back(first_row + level);
    order.push_back(first_column + level);
  }
  order.insert(order.end(), {1, 5, first_row + levels, first_column + levels});
  const int64_t per_row = input.channels * patch.frames * shape[first_row + levels] * shape.back();
  torch::Tensor all = cut.reshape(shape).permute(order).reshape({-1, per_row});
  const int64_t tokens = all.size(0) / input.batch;
  return {std::move(all), even_sequences(input.batch, tokens)};
}

Torch::Tensor Torch::fold(const Tensor& x, int count) {
  torch::Tensor joined = x.rows.reshape({x.rows.size(0) / count, x.channels() * count});
  const int64_t tokens = joined.size(0) / x.batch();
  return {std::move(joined), even_sequences(x.batch(), tokens)};
}

Torch::Tensor Torch::unfold(const Tensor& x, int count) {
  torch::Tensor apart = x.rows.reshape({x.rows.size(0) * count, x.channels() / count});
  const int64_t tokens = apart.size(0) / x.batch();
  return {std::move(apart), even_sequences(x.batch(), tokens)};
}

Torch::Tensor Torch::embed(const Tensor& patches, const Positions& positions) {
  const int64_t batch = patches.batch();
  torch::Tensor x = patches.rows.reshape({batch, -1, patches.channels()});
  if (positions.patches.defined()) x = x + positions.patches;
  if (positions.prefix.defined()) {
    x = torch::cat({positions.prefix.unsqueeze(0).expand({batch, -1, -1}), x}, 1);
  }
  return {x.flatten(0, 1), even_sequences(batch, x.size(1))};
}

torch::Tensor Torch::apply(const torch::Tensor& rows, const Linear& w) const {
  if (w.unfolds) {
    const torch::Tensor all = w.weight.permute({2, 3, 1, 0}).flatten(0, 2);
    return torch::linear(rows, all, w.bias.repeat({all.size(0) / w.bias.size(0)}));
  }
  const bool turned = w.order == RowOrder::channels_last;
  const torch::Tensor weight = turned ? w.weight.permute({0, 2, 3, 1}) : w.weight;
  torch::Tensor out = torch::linear(rows, weight.flatten(1), w.bias);
  return w.norm ? normalise(out, *w.norm) : out;
}

torch::Tensor Torch::normalise(const torch::Tensor& x, const TorchBatchNorm& norm) const {
  const bool by_batch = is_training_ && norm.gamma.requires_grad();
  if (by_batch && reduce_) return shared_batch_norm(x, norm, kBatchNormMomentum, reduce_);
  return torch::batch_norm(x, norm.gamma, norm.beta, norm.mean, norm.variance, by_batch,
                           kBatchNormMomentum, norm.eps, /*cudnn_enabled=*/true);
}

Torch::Tensor Torch::convolve(const Tensor& x, const Linear& w, const Grid& grid, int stride,
                              Activation activation) {
  // Rows of channels are what PyTorch calls channels last: a view before, a view behind.
  const torch::Tensor planes =
      x.rows.view({x.batch(), grid.rows, grid.columns, x.channels()}).permute({0, 3, 1, 2});
  torch::Tensor out = torch::conv2d(planes, w.weight, w.bias, stride, /*padding=*/1);
  out = activated(w.norm ? normalise(out, *w.norm) : out, activation);
  torch::Tensor rows = out.permute({0, 2, 3, 1}).reshape({-1, out.size(1)});
  const int64_t places = out.size(2) * out.size(3);
  return {std::move(rows), even_sequences(x.batch(), places)};
}

Torch::Tensor Torch::linear(const Tensor& x, const Linear& w, Activation activation,
                            Precision /*precision*/) {
  const torch::Tensor out = apply(x.rows, w);
  if (!w.is_gated) return {activated(out, activation), x.first};
  const std::vector<torch::Tensor> halves = out.chunk(2, 1);
  return {activated(halves[0], activation) * halves[1], x.first};
}

Torch::Tensor Torch::add_linear(const Tensor& x, const Tensor& h, const Linear& w,
                                const Vector& scale) {
  torch::Tensor update = apply(h.rows, w);
  if (scale.defined()) update = update * scale;
  return add(x, std::move(update), w);
}

Torch::Tensor Torch::add_normed_linear(const Tensor& x, const Tensor& h, const Linear& w,
                                       const Norm& norm) {
  return add(x, normed(apply(h.rows, w), norm), w);
}

Torch::Tensor Torch::add(const Tensor& x, torch::Tensor update, const Linear& w) const {
  if (is_training_ && w.drop_path > 0) update = drop_path(update, *x.first, w.drop_path);
  return {x.rows + update, x.first};
}

torch::Tensor Torch::drop_path(const torch::Tensor& update, const Sequences& first, double rate) {
  const auto batch = static_cast<int64_t>(first.size()) - 1;
  const torch::Tensor kept = torch::rand({batch}, update.options()).ge(rate).to(update.dtype());
  std::vector<int64_t> lengths;
  for (int64_t b = 0; b < batch; ++b) lengths.push_back(first[b + 1] - first[b]);
  const torch::Tensor repeats =
      torch::tensor(lengths, torch::TensorOptions(torch::kLong)).to(update.device());
  return update * (kept / (1 - rate)).repeat_interleave(repeats).unsqueeze(1);
}

Torch::Tensor Torch::layer_norm(const Tensor& x, const Norm& norm, Precision /*precision*/) {
  return {normed(x.rows, norm), x.first};
}

Torch::Tensor Torch::norm_activation(const Tensor& x, const Norm& norm, Activation activation,
                                     Precision /*precision*/) {
  return {activated(normed(x.rows, norm), activation), x.first};
}

Torch::Tensor Torch::head_norm(const Tensor& x, const Norm& norm, int heads) {
  const torch::Tensor apart = x.rows.reshape({x.rows.size(0), heads, -1});
  return {normed(apart, norm).flatten(1), x.first};
}

Torch::Tensor Torch::norm_linear(const Tensor& x, const std::optional<Norm>& norm, const Linear& w,
                                 Activation activation, Precision precision) {
  return linear(norm ? layer_norm(x, *norm) : x, w, activation, precision);
}

Torch::Tensor Torch::columns(const Tensor& x, int64_t begin, int64_t count) {
  return {x.rows.narrow(1, begin, count), x.first};
}

Torch::Tensor Torch::repeat(const Rows& rows, int64_t batch) {
  const torch::Tensor all = rows.reshape({1, -1, rows.size(-1)}).expand({batch, -1, -1});
  return {all.flatten(0, 1), even_sequences(batch, all.size(1))};
}

Torch::Tensor Torch::join(std::span<const Rows> tables) {
  std::vector<torch::Tensor> rows;
  for (const Rows& table : tables) rows.push_back(table.reshape({-1, table.size(-1)}));
  torch::Tensor all = torch::cat(rows);
  const int64_t count = all.size(0);
  return {std::move(all), even_sequences(1, count)};
}

Torch::Tensor Torch::add(const Tensor& x, const Tensor& y, Precision /*precision*/) {
  const torch::Tensor each = x.rows.unflatten(0, {-1, y.rows.size(0)});
  return {(each + y.rows).flatten(0, 1), x.first};
}

Torch::Tensor Torch::product(const Tensor& x, const Tensor& w) {
  const auto by_image = [](const Tensor& t) { return t.rows.unflatten(0, {t.batch(), -1}); };
  const torch::Tensor products = torch::matmul(by_image(x), by_image(w).transpose(1, 2));
  return {products.flatten(0, 1), x.first};
}

Torch::Tensor Torch::token(const Tensor& x, int index) {
  std::vector<int32_t> rows(x.first->begin(), x.first->end() - 1);
  for (int32_t& row : rows) row += index;
  return {x.rows.index_select(0, index_tensor(rows, device_)), even_sequences(x.batch(), 1)};
}

Torch::Tensor Torch::average(const Tensor& x, std::span<const float> sizes, int prefix) {
  const Padding padding(*x.first, device_);
  const std::vector<int32_t> begin(x.batch(), prefix);
  const torch::Tensor counted =
      padding.pad(on_device(sizes)).masked_fill(padding.from(begin).logical_not(), 0);
  const torch::Tensor weights = (counted / counted.sum(1, /*keepdim=*/true)).unsqueeze(1);
  return {torch::bmm(weights, padding.pad(x.rows)).squeeze(1), even_sequences(x.batch(), 1)};
}

Torch::Tensor Torch::concat_channels(const Tensor& a, const Tensor& b) {
  return {torch::cat({a.rows, b.rows}, 1), a.first};
}

Torch::Tensor Torch::write(const Array& rows) const {
  return {on_device(rows.data).reshape(rows.shape), even_sequences(1, rows.shape[0])};
}

Array Torch::read(const Tensor& x) const { return read_rows(x.rows); }

Array Torch::read_rows(const Rows& rows) const {
  const torch::Tensor host = rows.detach().to(torch::kCPU, torch::kFloat).contiguous();
  const auto* values = host.const_data_ptr<float>();
  return {host.sizes().vec(), {values, values + host.numel()}};
}

}  // namespace fovea
