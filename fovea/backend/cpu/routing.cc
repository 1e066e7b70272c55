// The operations of the CPU backend that routing and windows need: semi-cross attention, scores,
// and rows that come and go.
#include <algorithm>
#include <cmath>
#include <memory>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {
namespace {

// Rows [begin, end) of a weight or a bias.
Array rows_of(const Array& array, int64_t begin, int64_t end) {
  Shape shape = array.shape;
  const int64_t size = elements(shape) / shape[0];
  shape[0] = end - begin;
  return {shape, {array.data.begin() + begin * size, array.data.begin() + end * size}};
}

}  // namespace

CpuCrossQkv Cpu::make_cross_qkv(const Weight& weight, const Weight& bias, int heads) {
  const int64_t outputs = weight.values.shape[0];
  const int64_t queries = outputs / 3;
  const auto part = [&](int64_t begin, int64_t end) {
    return pack(rows_of(weight.values, begin, end), rows_of(bias.values, begin, end), dtype_);
  };
  CpuCrossQkv qkv{part(0, queries), part(queries, outputs), {}};
  if (takes_half(qkv.kv)) qkv.mean = mean_weights(weight.values, heads);
  return qkv;
}

CpuProjection Cpu::project_cross(const Tensor& asking, const Tensor& x, const Norm& norm,
                                 const CrossQkv& w, bool matched) {
  CpuProjection qkv;
  qkv.mean_weights = &w.mean;
  const bool rounds = takes_half(w.kv);
  qkv.queries = like(asking, w.q.out);
  multiply(norm_for(asking, norm, w.q), w.q, kernels::Epilogue::store, Activation::none, {},
           *qkv.queries);
  qkv.joint = like(x, w.kv.out);
  const Tensor normed = norm_for(x, norm, w.kv, matched && rounds ? &qkv.rest : nullptr);
  multiply(normed, w.kv, kernels::Epilogue::store, Activation::none, {}, qkv.joint);
  return qkv;
}

CpuProjection Cpu::window(const Projection& qkv, const Qkv& w, const Windows& windows) {
  return cut(qkv, std::span(w.joint.bias).subspan(qkv.channels()), windows);
}

CpuProjection Cpu::window(const Projection& qkv, const CrossQkv& w, const Windows& windows) {
  return cut(qkv, w.kv.bias, windows);
}

CpuProjection Cpu::cut(const Projection& qkv, std::span<const float> padding,
                       const Windows& windows) {
  const Timed timed = time(Work::attention);
  const int64_t channels = qkv.channels();
  const auto copy = [&](const std::vector<int32_t>& rows, int64_t offset, const Tensor& to) {
    for_ranges(to.rows(), 64, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float* from = rows[i] < 0 ? padding.data() : qkv.joint.row(rows[i]) + offset;
        std::copy_n(from, to.channels(), to.row(i));
      }
    });
  };
  CpuProjection apart;
  apart.joint = make(std::make_shared<Sequences>(windows.first), 2 * channels);
  copy(windows.rows, qkv.offset(QkvPart::k), apart.joint);
  apart.queries = qkv.queries;
  if (!apart.queries) {
    apart.queries = make(std::make_shared<Sequences>(windows.tokens.first), channels);
    copy(windows.tokens.rows, qkv.offset(QkvPart::q), *apart.queries);
  }
  return apart;
}

Tensor Cpu::keep_scores(const Tensor& x, const Linear& w, int protected_tokens) {
  const Tensor logits = linear(x, w);
  const Timed timed = time(Work::routing);
  Tensor out = like(x, 1);
  for (int64_t i = 0; i < x.rows(); ++i) {
    const float* row = logits.row(i);
    *out.row(i) = 1.0F / (1.0F + std::exp(row[0] - row[1]));
  }
  for (int64_t b = 0; b < x.batch(); ++b) {
    for (int i = 0; i < protected_tokens; ++i) *out.row(out.first(b) + i) = 1.0F;
  }
  return out;
}

Tensor Cpu::gather(const Tensor& x, const Route& route) {
  const Timed timed = time(Work::routing);
  auto sequences = std::make_shared<Sequences>(route.first);
  Tensor out = x.is_half() ? make_half(std::move(sequences), x.channels())
                           : make(std::move(sequences), x.channels());
  for_ranges(out.rows(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (x.is_half()) {
        std::copy_n(x.half_row(route.rows[i]), x.stride(), out.half_row(i));
      } else {
        std::copy_n(x.row(route.rows[i]), x.channels(), out.row(i));
      }
    }
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
      kernels_->weighted_sum(rows, factors, 2, x.channels(), 1.0F, out.row(i));
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
      kernels_->weighted_sum(rows, factors, 3, x.channels(), 1.0F, row);
    }
  });
  return x;
}

}  // namespace fovea
