// The operations of the torch backend that routing needs: scores, and rows that come and go.
#include <algorithm>

#include "fovea/backend/torch/padding.h"
#include "fovea/backend/torch/torch.h"

namespace fovea {

Torch::Tensor Torch::keep_scores(const Tensor& x, const Linear& w, int protected_tokens) {
  const torch::Tensor logits = apply(x.rows, w).to(dtype_);
  const torch::Tensor scores = torch::softmax(logits, 1).narrow(1, 1, 1);
  std::vector<int32_t> rows;
  for (int64_t b = 0; b < x.batch(); ++b) {
    const int32_t begin = (*x.first)[b];
    const int32_t count = std::min(protected_tokens, (*x.first)[b + 1] - begin);
    for (int32_t i = 0; i < count; ++i) rows.push_back(begin + i);
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
