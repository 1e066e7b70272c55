// The operations of the torch backend around attention: queries, keys and values, and what looks at
// them.
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "fovea/backend/torch/padding.h"
#include "fovea/backend/torch/torch.h"

namespace fovea {
namespace {

// What is computed in its scope is not rounded to the format that automatic casting asks for.
using WithoutAutocast = c10::impl::ExcludeDispatchKeyGuard;

// softmax(q k' / sqrt d + bias) v; [B, heads, T, d] each.
torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                     const std::optional<torch::Tensor>& bias) {
  // On CPUs libtorch's own makes a oneDNN primitive for each small product in bf16: three to four
  // times as slow as products of the whole batch.
  if (q.scalar_type() != torch::kBFloat16 || !q.is_cpu()) {
    return torch::scaled_dot_product_attention(q, k, v, bias);
  }
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  torch::Tensor scores = torch::matmul(q * scale, k.transpose(2, 3));
  if (bias) scores = scores + *bias;
  return torch::matmul(torch::softmax(scores, 3), v);
}

std::vector<float> to_host(const torch::Tensor& x) {
  const torch::Tensor host = x.to(torch::kCPU, torch::kFloat).contiguous();
  const auto* values = host.const_data_ptr<float>();
  return {values, values + host.numel()};
}

// Rows as [B, heads, T, d].
torch::Tensor by_heads(const Padding& padding, const torch::Tensor& rows) {
  return padding.pad(rows).transpose(1, 2);
}

// [rows, heads, d]
torch::Tensor split(const TorchTensor& x, int heads) {
  return x.rows.reshape({x.rows.size(0), heads, -1});
}

// Where each token stands in the table of a relative position bias; -1: a class token.
std::vector<int32_t> relative_places(std::span<const int32_t> first, const TokenState& state,
                                     int columns) {
  std::vector<int32_t> places(first.back(), -1);
  for (size_t image = 0; image + 1 < first.size(); ++image) {
    for (int32_t row = first[image] + state.prefix; row < first[image + 1]; ++row) {
      const Place& place = state.places[row];
      places[row] =
          static_cast<int32_t>(place.y) * (2 * columns - 1) + static_cast<int32_t>(place.x);
    }
  }
  return places;
}

}  // namespace

Torch::Projection Torch::project(const Tensor& x, const std::optional<Norm>& norm, const Qkv& w,
                                 bool /*matched*/) {
  const Tensor joint = norm_linear(x, norm, w);
  const int64_t width = joint.channels() / 3;
  return {columns(joint, 0, width), columns(joint, width, width), columns(joint, 2 * width, width)};
}

Torch::Projection Torch::project(const Tensor& asking, const Tensor& x,
                                 const std::optional<Norm>& norm, const Qkv& w, bool /*matched*/) {
  const int64_t width = w.weight.size(0) / 3;
  const auto part = [&](int64_t first, int64_t count) {
    Linear linear;
    linear.weight = w.weight.narrow(0, first, count);
    if (w.bias.defined()) linear.bias = w.bias.narrow(0, first, count);
    return linear;
  };
  const Tensor both = norm_linear(x, norm, part(width, 2 * width));
  return {norm_linear(asking, norm, part(0, width)), columns(both, 0, width),
          columns(both, width, width)};
}

Torch::Angles Torch::angles_of(const Turns& turns) const {
  const auto table = [&](const std::vector<float>& values) {
    return on_device(values).view({-1, turns.heads, turns.pairs});
  };
  return {table(turns.cos), table(turns.sin), turns.in_halves};
}

Torch::Angles Torch::angles_of(const Sight& sight, const TokenState& state,
                               std::span<const int32_t> first) const {
  if (sight.frequencies == nullptr) return angles_of(*sight.turns);
  std::vector<float> x(state.places.size());  // of prefix tokens 0, which turns nothing
  std::vector<float> y(state.places.size());
  for (size_t image = 0; image + 1 < first.size(); ++image) {
    for (int32_t row = first[image] + state.prefix; row < first[image + 1]; ++row) {
      x[row] = state.places[row].x;
      y[row] = state.places[row].y;
    }
  }
  const torch::Tensor speeds = sight.frequencies->select(1, sight.layer);  // [2, heads, pairs]
  const torch::Tensor angles =
      on_device(x).view({-1, 1, 1}) * speeds[0] + on_device(y).view({-1, 1, 1}) * speeds[1];
  return {angles.cos(), angles.sin(), sight.turns->in_halves};
}

torch::Tensor Torch::turn(const torch::Tensor& x, const Angles& angles,
                          std::span<const int32_t> rows) const {
  const auto chosen = [&](const torch::Tensor& all) {
    return rows.empty() ? all : all.index_select(0, index_tensor(rows, device_));
  };
  const torch::Tensor cos = chosen(angles.cos);
  const torch::Tensor sin = chosen(angles.sin);
  const torch::Tensor exact = x.to(dtype_);
  const std::vector<torch::Tensor> parts =
      angles.in_halves ? exact.chunk(2, 2) : exact.unflatten(2, {exact.size(2) / 2, 2}).unbind(3);
  const torch::Tensor first = parts[0] * cos - parts[1] * sin;
  const torch::Tensor second = parts[1] * cos + parts[0] * sin;
  const torch::Tensor turned = angles.in_halves ? torch::cat({first, second}, 2)
                                                : torch::stack({first, second}, 3).flatten(2);
  return turned.to(x.scalar_type());
}

Torch::Tensor Torch::rotate(const Tensor& x, int heads, const Turns& turns) {
  return {turn(split(x, heads), angles_of(turns)).flatten(1), x.first};
}

Torch::Tensor Torch::attention(const Projection& qkv, int heads, const TokenState& state,
                               const Sight& sight) {
  const Padding keys(*qkv.k.first, device_);
  const Padding asking(*qkv.q.first, device_);
  torch::Tensor q = split(qkv.q, heads);
  torch::Tensor k = split(qkv.k, heads);
  if (sight.turns != nullptr) {
    const Angles angles = angles_of(sight, state, *qkv.k.first);
    q = turn(q, angles, sight.asking);
    k = turn(k, angles);
  }
  torch::Tensor bias = attention_bias(keys, state.log_sizes);
  const auto add = [&](const torch::Tensor& more) { bias = bias.defined() ? bias + more : more; };
  const torch::Tensor queries = by_heads(asking, q);
  torch::Tensor all_keys = by_heads(keys, k);
  torch::Tensor values = by_heads(keys, split(qkv.v, heads));
  std::vector<int32_t> rows(sight.asking.begin(), sight.asking.end());
  const bool knows_places = sight.relative != nullptr || sight.decomposed != nullptr;
  if (knows_places && rows.empty()) {
    rows.resize(qkv.q.first->back());
    std::iota(rows.begin(), rows.end(), 0);
  }
  if (sight.relative != nullptr) {
    add(relative_bias(*sight.relative, state, asking, rows, keys));
  }
  if (sight.decomposed != nullptr) {
    const Added by_place = decomposed_bias(queries, *sight.decomposed, state, asking, rows, keys,
                                           sight.padding != nullptr);
    add(by_place.keys);
    if (by_place.padding.defined()) {
      const auto parts = sight.padding->bias.view({3, 1, heads, 1, -1}).unbind(0);
      const auto behind = [&](const torch::Tensor& x, const torch::Tensor& one) {
        return torch::cat({x, one.to(x.scalar_type()).expand({x.size(0), -1, -1, -1})}, 2);
      };
      all_keys = behind(all_keys, parts[1]);
      values = behind(values, parts[2]);
      bias = torch::cat({bias.expand_as(by_place.keys), by_place.padding}, 3);
    }
  }
  std::optional<torch::Tensor> added;
  if (bias.defined()) added = bias.to(q.scalar_type());
  const torch::Tensor out = attend(queries, all_keys, values, added);
  return {asking.unpad(out.transpose(1, 2).flatten(2)), qkv.q.first};
}

torch::Tensor Torch::attention_bias(const Padding& padding,
                                    std::span<const float> log_sizes) const {
  if (log_sizes.empty() && padding.is_even()) return {};
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  torch::Tensor bias = log_sizes.empty() ? torch::zeros({padding.batch(), padding.longest()},
                                                        torch::TensorOptions(device_).dtype(dtype_))
                                         : padding.pad(on_device(log_sizes));
  if (!padding.is_even()) bias = bias.masked_fill(padding.within().logical_not(), -kInfinity);
  return bias.view({padding.batch(), 1, 1, padding.longest()});
}

torch::Tensor Torch::relative_bias(const Relative& relative, const TokenState& state,
                                   const Padding& asking, std::span<const int32_t> rows,
                                   const Padding& keys) const {
  const int columns = relative.grid.columns;
  const int64_t entries = relative.table.size(0);
  const torch::Tensor places = index_tensor(relative_places(keys.first(), state, columns), device_);
  const torch::Tensor from =
      asking.pad(places.index_select(0, index_tensor(rows, device_))).unsqueeze(2);  // [B, K, 1]
  const torch::Tensor to = keys.pad(places).unsqueeze(1);                            // [B, 1, T]
  const int64_t middle = (relative.grid.rows - 1) * (2 * columns - 1) + columns - 1;
  torch::Tensor index = from - to + middle;
  index = torch::where((from < 0).logical_and(to >= 0), entries - 3, index);
  index = torch::where((from >= 0).logical_and(to < 0), entries - 2, index);
  index = torch::where((from < 0).logical_and(to < 0), entries - 1, index);
  return relative.table.index_select(0, index.flatten())
      .view({index.size(0), index.size(1), index.size(2), -1})
      .permute({0, 3, 1, 2});
}

torch::Tensor Torch::class_rows(const Padding& padding, const Projection& branch, int heads,
                                const TokenState& state, const Sight& sight) {
  const Tensor asking = token(branch.q, 0);                                  // not turned
  const torch::Tensor query = split(asking, heads).to(dtype_).unsqueeze(2);  // [B, heads, 1, d]
  torch::Tensor key = split(branch.k, heads).to(dtype_);
  if (sight.turns != nullptr) key = turn(key, angles_of(*sight.turns));
  torch::Tensor scores = torch::matmul(query, by_heads(padding, key).transpose(2, 3)) /
                         std::sqrt(static_cast<double>(query.size(3)));
  if (const torch::Tensor b = attention_bias(padding, state.log_sizes); b.defined()) {
    scores = scores + b;
  }
  if (sight.relative != nullptr) {
    std::vector<int32_t> rows(branch.k.first->begin(), branch.k.first->end() - 1);
    const Padding one(*asking.first, device_);
    scores = scores + relative_bias(*sight.relative, state, one, rows, padding);
  }
  return scores.softmax(3);
}

std::vector<float> Torch::class_attention(std::span<const Projection> qkv, int heads,
                                          const TokenState& state, const Sight& sight) {
  const torch::NoGradGuard no_grad;
  const WithoutAutocast exact(c10::autocast_dispatch_keyset);
  const Padding padding(*qkv[0].k.first, device_);
  torch::Tensor total;
  for (const Projection& branch : qkv) {
    const torch::Tensor attention =
        class_rows(padding, branch, heads, state, sight).mean(1).squeeze(1);  // [B, T]
    total = total.defined() ? total + attention : attention;
  }
  return to_host(padding.unpad(total / static_cast<double>(qkv.size())));
}

Array Torch::class_attention_by_head(std::span<const Projection> qkv, int heads,
                                     const TokenState& state, const Sight& sight) {
  const torch::NoGradGuard no_grad;
  const WithoutAutocast exact(c10::autocast_dispatch_keyset);
  const Padding padding(*qkv[0].k.first, device_);
  std::vector<torch::Tensor> columns;
  for (const Projection& branch : qkv) {
    columns.push_back(class_rows(padding, branch, heads, state, sight).squeeze(2).transpose(1, 2));
  }
  const torch::Tensor rows = padding.unpad(torch::cat(columns, 2));
  return Array({rows.size(0), rows.size(1)}, to_host(rows));
}

}  // namespace fovea
