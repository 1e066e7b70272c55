// The operations of the torch backend that routing and windows need: semi-cross attention, scores,
// and rows that come and go.
#include <algorithm>

#include "fovea/backend/torch/padding.h"
#include "fovea/backend/torch/torch.h"

namespace fovea {

Torch::Projection Torch::project_cross(const Tensor& asking, const Tensor& x, const Norm& norm,
                                       const CrossQkv& w, bool /*matched*/) {
  const int64_t outputs = w.weight.size(0);
  const int64_t queries = outputs / 3;
  const auto part = [&](int64_t first, int64_t count) {
    Linear linear;
    linear.weight = w.weight.narrow(0, first, count);
    linear.bias = w.bias.narrow(0, first, count);
    return linear;
  };
  Projection qkv{linear(layer_norm(x, norm), part(queries, outputs - queries)), nullptr};
  qkv.queries = std::make_shared<const Tensor>(linear(layer_norm(asking, norm), part(0, queries)));
  return qkv;
}

Torch::Projection Torch::window(const Projection& qkv, const Qkv& w, const Windows& windows) {
  const int64_t width = qkv.channels() / (qkv.queries ? 2 : 3);
  torch::Tensor rows = torch::cat({qkv.part(QkvPart::k), qkv.part(QkvPart::v)}, 1);
  const torch::Tensor padding =
      w.bias.defined() ? w.bias.slice(0, width) : torch::zeros({2 * width}, rows.options());
  rows = torch::cat({rows, padding.to(rows.dtype()).unsqueeze(0)});
  std::vector<int32_t> of = windows.rows;
  const auto last = static_cast<int32_t>(rows.size(0) - 1);
  std::replace(of.begin(), of.end(), -1, last);
  Projection apart{{rows.index_select(0, index_tensor(of, device_)),
                    std::make_shared<const Sequences>(windows.first)},
                   qkv.queries};
  if (!apart.queries) {
    const Tensor queries{qkv.part(QkvPart::q), qkv.first};
    apart.queries = std::make_shared<const Tensor>(gather(queries, windows.tokens));
  }
  return apart;
}

Torch::Tensor Torch::keep_scores(const Tensor& x, const Linear& w, int protected_tokens) {
  const torch::Tensor logits = apply(x.rows, w).to(dtype_);
  const torch::Tensor scores = torch::softmax(logits, 1).narrow(1, 1, 1);
  std::vector<int32_t> rows;
  for (int64_t b = 0; b < x.batch(); ++b) {
    for (int i = 0; i < protected_tokens; ++i) rows.push_back((*x.first)[b] + i);
  }
  return {scores.index_fill(0, index_tensor(rows, device_), 1.0), x.first};
}

Torch::Tensor Torch::gather(const Tensor& x, const Route& route) {
  return {x.rows.index_select(0, index_tensor(route.rows, device_)),
          std::make_shared<const Sequences>(route.first)};
}

Torch::Tensor Torch::add_gated(const Tensor& x, const Tensor& update, const Tensor& scores,
                               const Vector& alpha) {
  return {x.rows + (1 + alpha * scores.rows) * update.rows, x.first};
}

Torch::Tensor Torch::put(const Tensor& x, const Tensor& rows, const Route& route) {
  return {x.rows.index_copy(0, index_tensor(route.rows, device_), rows.rows), x.first};
}

Torch::Tensor Torch::add_change(const Tensor& x, const Tensor& before, const Tensor& after,
                                const Route& route, const Vector& gamma) {
  const torch::Tensor change = (after.rows - before.rows) * gamma;
  return {x.rows.index_add(0, index_tensor(route.rows, device_), change), x.first};
}

}  // namespace fovea
