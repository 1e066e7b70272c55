// The operations of the CPU backend around attention: queries, keys and values, and what looks at
// them.
#include <algorithm>
#include <cmath>
#include <memory>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/backend/cpu/decomposed.h"
#include "fovea/backend/dot.h"

namespace fovea {
namespace {

// What biases by relative position know tokens by, see kernels::RelativeBias; empty without these.
std::vector<int32_t> relative_places(const Sequences& first, const TokenState& state,
                                     const CpuRelative* relative) {
  if (relative == nullptr) return {};
  std::vector<int32_t> places(first.back(), -1);
  for (size_t image = 0; image + 1 < first.size(); ++image) {
    for (int32_t row = first[image] + state.prefix; row < first[image + 1]; ++row) {
      const Place& place = state.places[row];
      places[row] = static_cast<int32_t>(place.y) * (2 * relative->grid.columns - 1) +
                    static_cast<int32_t>(place.x);
    }
  }
  return places;
}

kernels::RelativeBias relative_of(const CpuRelative* relative, int64_t head,
                                  const int32_t* places) {
  if (relative == nullptr) return {};
  const auto entries = static_cast<int32_t>(relative->table.shape[1]);
  const int32_t offset =
      (relative->grid.rows - 1) * (2 * relative->grid.columns - 1) + relative->grid.columns - 1;
  return {relative->table.data.data() + head * entries, places, offset, entries};
}

kernels::Turn turn_of(const Turns* turns, int64_t row, int64_t head) {
  if (turns == nullptr) return {};
  const int64_t at = turns->at(row, head);
  return {turns->cos.data() + at, turns->sin.data() + at, turns->stride(), turns->in_halves};
}

// Each asking token's number within its image.
std::vector<int32_t> within_images(std::span<const int32_t> asking, const Sequences& queries,
                                   const Sequences& keys) {
  std::vector<int32_t> within(asking.begin(), asking.end());
  for (size_t image = 0; !within.empty() && image + 1 < queries.size(); ++image) {
    for (int32_t i = queries[image]; i < queries[image + 1]; ++i) within[i] -= keys[image];
  }
  return within;
}

void soften(std::span<float> scores) {
  const float largest = *std::max_element(scores.begin(), scores.end());
  float total = 0;
  for (float& score : scores) total += score = std::exp(score - largest);
  for (float& score : scores) score /= total;
}

}  // namespace

CpuProjection Cpu::project(const Tensor& x, const std::optional<Norm>& norm, const Qkv& w,
                           bool matched) {
  CpuProjection qkv;
  qkv.mean_weights = &w.mean;
  const bool rounds = product_of(w.joint).rounds();
  const Tensor normed = norm_for(x, norm, w.joint.dtype, matched && rounds ? &qkv.rest : nullptr);
  const Tensor joint = like(x, w.joint.out);
  multiply(normed, w.joint, kernels::Epilogue::store, Activation::none, {}, joint);
  const int64_t part = w.q.out;
  qkv.q = joint.columns(0, w.width);
  qkv.k = joint.columns(part, w.width);
  qkv.v = joint.columns(2 * part, w.width);
  return qkv;
}

CpuProjection Cpu::project(const Tensor& asking, const Tensor& x, const std::optional<Norm>& norm,
                           const Qkv& w, bool matched) {
  CpuProjection qkv;
  qkv.mean_weights = &w.mean;
  const bool rounds = product_of(w.joint).rounds();
  const Tensor queries = like(asking, w.q.out);
  multiply(norm_for(asking, norm, w.q.dtype), w.q, kernels::Epilogue::store, Activation::none, {},
           queries);
  const Tensor both = like(x, w.kv.out);
  const Tensor normed = norm_for(x, norm, w.kv.dtype, matched && rounds ? &qkv.rest : nullptr);
  multiply(normed, w.kv, kernels::Epilogue::store, Activation::none, {}, both);
  qkv.q = queries.columns(0, w.width);
  qkv.k = both.columns(0, w.width);
  qkv.v = both.columns(w.q.out, w.width);
  return qkv;
}

Tensor Cpu::attention(const Projection& qkv, int heads, const TokenState& state,
                      const Sight& sight) {
  const Timed timed = time(Work::attention);
  const Tensor& queries = qkv.q;
  const Tensor& keys = qkv.k;
  const int64_t width = keys.channels() / heads;
  const int64_t value_width = qkv.v.channels() / heads;
  const kernels::Product& product = kernels_.product(dtype_);
  Tensor out = like(queries, qkv.v.channels(), product.input);
  int64_t most_tokens = 0;
  for (int64_t b = 0; b < keys.batch(); ++b) {
    const int64_t tokens = keys.tokens(b);
    most_tokens = std::max(most_tokens, tokens);
    if (profile_) {
      profile_->attention_operations +=
          2.0 *
          static_cast<double>(queries.tokens(b) * tokens * (keys.channels() + qkv.v.channels()));
    }
  }
  const std::vector<int32_t> places = relative_places(keys.sequences(), state, sight.relative);
  const std::vector<int32_t> asking =
      within_images(sight.asking, queries.sequences(), keys.sequences());
  const DecomposedPlaces decomposed(keys.sequences(), state, sight.decomposed,
                                    sight.padding != nullptr, kernels_.lanes);
  const int64_t kernel_scratch = kernels::attention_scratch(kernels_, most_tokens + 1, width,
                                                            value_width, decomposed.entries());
  const int64_t scratch_size =
      kernel_scratch +
      (sight.decomposed ? whole_lines((most_tokens + 1) * (width + value_width)) : 0);
  const std::shared_ptr<float[]> scratch = arena_.take(scratch_size * threads_->count());
  // Few heads for many threads: let several tasks share a head's queries, each packing its keys
  // anew.
  const int64_t pairs = keys.batch() * heads;
  const int64_t parts =
      pairs % threads_->count() == 0 ? 1 : std::max<int64_t>(1, 4 * threads_->count() / pairs);
  threads_->run(pairs * parts, [&](int64_t task, int worker) {
    const int64_t image = task / parts / heads;
    const int64_t head = task / parts % heads;
    const int64_t part = task % parts;
    const int64_t count = queries.tokens(image);
    const int64_t first = keys.first(image);
    if (count == 0) return;
    kernels::Attention a;
    a.q = queries.row(queries.first(image)) + head * width;
    a.q_stride = queries.stride();
    a.k = keys.row(first) + head * width;
    a.k_stride = keys.stride();
    a.v = qkv.v.row(first) + head * value_width;
    a.v_stride = qkv.v.stride();
    a.tokens = keys.tokens(image);
    a.width = width;
    a.value_width = value_width;
    a.scale = kernels::softmax_scale(width);
    a.log_size = state.log_sizes.empty() ? nullptr : state.log_sizes.data() + first;
    a.turn = turn_of(sight.turns, first, head);
    a.relative = relative_of(sight.relative, head, places.data() + first);
    a.decomposed = decomposed.of(image);
    float* copied = scratch.get() + worker * scratch_size + kernel_scratch;
    if (a.decomposed.side > 0) {
      const CpuQkv& w = *sight.padding;
      add_padding_key(w.joint.bias.data() + w.q.out + head * width,
                      w.joint.bias.data() + 2 * w.q.out + head * value_width, copied, a);
    } else if (a.decomposed.grid_columns > 0) {
      a.log_size = nullptr;  // who is alone has none
      reorder_keys(decomposed.order(image), copied, a);
    }
    a.asking = asking.empty() ? nullptr : asking.data() + queries.first(image);
    a.out = out.at(out.first(image), head * value_width);
    a.out_stride = out.stride();
    product.attention(a, count * part / parts, count * (part + 1) / parts,
                      scratch.get() + worker * scratch_size);
  });
  return out;
}

Tensor Cpu::rotate(const Tensor& x, int heads, const Turns& turns) {
  const Timed timed = time(Work::attention);
  const int64_t width = x.channels() / heads;
  Tensor out = like(x, x.channels());
  for_ranges(x.rows(), 16, [&](int64_t begin, int64_t end) {
    for (int64_t head = 0; head < heads; ++head) {
      kernels_.rotate(x.row(begin) + head * width, x.stride(), end - begin, width,
                      turn_of(&turns, begin, head), out.row(begin) + head * width, out.stride());
    }
  });
  return out;
}

Tensor Cpu::head_norm(Tensor x, const Norm& norm, int heads) {
  const Timed timed = time(Work::norms);
  const int64_t width = x.channels() / heads;
  for_ranges(x.rows(), 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      norm_rows(norm, x.row(i), width, heads, width, x.row(i), width);
    }
  });
  return x;
}

std::vector<float> Cpu::class_rows(const Projection& branch, int head, int heads,
                                   const TokenState& state, const Sight& sight) const {
  const Tensor& keys = branch.k;
  const int64_t width = keys.channels() / heads;
  const float scale = 1.0F / std::sqrt(static_cast<float>(width));
  std::vector<float> rows(keys.rows());
  std::vector<float> turned(width);
  for (int64_t image = 0; image < keys.batch(); ++image) {
    const int64_t first = keys.first(image);
    const float* q = branch.q.row(branch.q.first(image)) + head * width;
    for (int64_t i = first; i < keys.first(image + 1); ++i) {
      const float* key = keys.row(i) + head * width;
      if (sight.turns != nullptr) {  // the class token itself is not
        kernels_.rotate(key, keys.stride(), 1, width, turn_of(sight.turns, i, head), turned.data(),
                        width);
        key = turned.data();
      }
      rows[i] = dot(q, key, width) * scale;
      if (!state.log_sizes.empty()) rows[i] += state.log_sizes[i];
      if (sight.relative == nullptr) continue;
      const kernels::RelativeBias relative = relative_of(sight.relative, head, nullptr);
      rows[i] += relative.table[relative.entries - (i < first + state.prefix ? 1 : 3)];
    }
    soften(std::span(rows).subspan(first, keys.tokens(image)));
  }
  return rows;
}

std::vector<float> Cpu::class_attention(std::span<const Projection> qkv, int heads,
                                        const TokenState& state, const Sight& sight) {
  std::vector<float> sums(qkv[0].k.rows());
  for (const Projection& branch : qkv) {
    for (int head = 0; head < heads; ++head) {
      const std::vector<float> of_head = class_rows(branch, head, heads, state, sight);
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += of_head[i];
    }
  }
  for (float& sum : sums) sum /= static_cast<float>(heads * static_cast<int>(qkv.size()));
  return sums;
}

Array Cpu::class_attention_by_head(std::span<const Projection> qkv, int heads,
                                   const TokenState& state, const Sight& sight) {
  Array rows({qkv[0].k.rows(), static_cast<int64_t>(qkv.size()) * heads});
  int64_t column = 0;
  for (const Projection& branch : qkv) {
    for (int head = 0; head < heads; ++head, ++column) {
      const std::vector<float> of_head = class_rows(branch, head, heads, state, sight);
      for (size_t i = 0; i < of_head.size(); ++i) {
        rows.data[static_cast<int64_t>(i) * rows.shape[1] + column] = of_head[i];
      }
    }
  }
  return rows;
}

}  // namespace fovea
