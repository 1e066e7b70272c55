// The operations of the CPU backend that routing needs: scores, and rows that come and go.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {

Tensor Cpu::keep_scores(const Tensor& x, const Linear& w, int protected_tokens) {
  const Tensor logits = linear(x, w);
  const Timed timed = time(Work::routing);
  Tensor out = like(x, 1);
  for (int64_t i = 0; i < x.rows(); ++i) {
    const float* row = logits.row(i);
    *out.row(i) = 1.0F / (1.0F + std::exp(row[0] - row[1]));
  }
  for (int64_t b = 0; b < x.batch(); ++b) {
    const int64_t count = std::min<int64_t>(protected_tokens, x.tokens(b));
    for (int64_t i = 0; i < count; ++i) *out.row(out.first(b) + i) = 1.0F;
  }
  return out;
}

Tensor Cpu::gather(const Tensor& x, const Route& route) {
  const Timed timed = time(Work::routing);
  auto sequences = std::make_shared<Sequences>(route.first);
  Tensor out = make(std::move(sequences), x.channels(), x.dtype());
  const auto bytes = static_cast<size_t>(x.channels() * bytes_of(x.dtype()));
  for_ranges(out.rows(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) std::memcpy(out.at(i), x.at(route.rows[i]), bytes);
  });
  return out;
}

Tensor Cpu::add_gated(const Tensor& x, const Tensor& update, const Tensor& scores,
                      const Vector& alpha) {
  const Timed timed = time(Work::routing);
  Tensor out = like(x, x.channels());
  for_ranges(x.rows(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* rows[] = {x.row(i), update.row(i)};
      const float factors[] = {1.0F, 1.0F + alpha[0] * *scores.row(i)};
      kernels_.weighted_sum(rows, factors, 2, x.channels(), 1.0F, out.row(i));
    }
  });
  return out;
}

Tensor Cpu::put(Tensor x, const Tensor& rows, const Route& route) {
  const Timed timed = time(Work::routing);
  for_ranges(rows.rows(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::copy_n(rows.row(i), x.channels(), x.row(route.rows[i]));
    }
  });
  return x;
}

Tensor Cpu::add_change(Tensor x, const Tensor& before, const Tensor& after, const Route& route,
                       const Vector& gamma) {
  const Timed timed = time(Work::routing);
  for_ranges(after.rows(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* row = x.row(route.rows[i]);
      const float* rows[] = {row, after.row(i), before.row(i)};
      const float factors[] = {1.0F, gamma[0], -gamma[0]};
      kernels_.weighted_sum(rows, factors, 3, x.channels(), 1.0F, row);
    }
  });
  return x;
}

}  // namespace fovea
