// The operations of the CPU backend that say which tokens are alike.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {
namespace {

kernels::Similarity similarity_of(Distance distance) {
  switch (distance) {
    case Distance::euclidean:
      return kernels::Similarity::euclidean;
    case Distance::softmax:
      return kernels::Similarity::softmax;
    case Distance::cosine:
    case Distance::dot:
      break;
  }
  return kernels::Similarity::dot;
}

// What pairs of tokens cost more for their sizes: of few different sizes, all pairs of these once.
class SizeFactors {
 public:
  // a, b: rows whose sizes these are.
  SizeFactors(std::span<const int32_t> a, std::span<const int32_t> b, std::span<const float> sizes,
              double exponent)
      : columns_(b.size()) {
    for (const int32_t row : a) distinct_.push_back(sizes[row]);
    std::sort(distinct_.begin(), distinct_.end());
    distinct_.erase(std::unique(distinct_.begin(), distinct_.end()), distinct_.end());
    lines_.resize(distinct_.size() * columns_);
    for (size_t i = 0; i < distinct_.size(); ++i) {
      fill(distinct_[i], b, sizes, exponent, lines_.data() + i * columns_);
    }
  }
  // Of each B token, for an A token of this size.
  const float* of(float size) const {
    const auto found = std::lower_bound(distinct_.begin(), distinct_.end(), size);
    return lines_.data() + static_cast<size_t>(found - distinct_.begin()) * columns_;
  }

 private:
  static void fill(float m, std::span<const int32_t> b, std::span<const float> sizes,
                   double exponent, float* line) {
    float known = 0;  // sizes are 1 or more
    float factor = 0;
    for (const int32_t row : b) {
      const float n = sizes[row];
      if (n != known) factor = std::pow(m * n / (m + n), static_cast<float>(exponent));
      known = n;
      *line++ = factor;
    }
  }

  size_t columns_;
  std::vector<float> distinct_;
  std::vector<float> lines_;
};

}  // namespace

std::shared_ptr<float[]> Cpu::gather(const Tensor& feature, std::span<const int32_t> rows,
                                     bool normalized) {
  const int64_t width = feature.channels();
  std::shared_ptr<float[]> out = arena_.take(static_cast<int64_t>(rows.size()) * width);
  for_ranges(static_cast<int64_t>(rows.size()), 256, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      std::copy_n(feature.row(rows[i]), width, out.get() + i * width);
    if (normalized) kernels_.normalize(out.get() + begin * width, end - begin, width);
  });
  return out;
}

Edges Cpu::draw_edges(const Tensor& feature, const Partition& partition, bool normalized,
                      const DrawMatch& draw) {
  const int64_t width = feature.channels();
  const std::shared_ptr<float[]> a = gather(feature, partition.a, normalized);
  const std::shared_ptr<float[]> b = gather(feature, partition.b, normalized);
  Edges edges;
  edges.score.resize(partition.a.size());
  edges.target.resize(partition.a.size());
  int64_t most_columns = 0;
  for (int64_t image = 0; image < feature.batch(); ++image) {
    most_columns =
        std::max<int64_t>(most_columns, partition.b_first[image + 1] - partition.b_first[image]);
  }
  const int64_t scratch_size = kernels::match_scratch(kernels_, most_columns, width);
  const std::shared_ptr<float[]> scratch = arena_.take(scratch_size * threads_->count());
  const int64_t parts = feature.batch() >= threads_->count() ? 1 : threads_->count();
  threads_->run(feature.batch() * parts, [&](int64_t task, int worker) {
    const int64_t image = task / parts;
    const int64_t part = task % parts;
    const int64_t a_count = partition.a_first[image + 1] - partition.a_first[image];
    const int64_t a_begin = partition.a_first[image] + a_count * part / parts;
    const int64_t a_end = partition.a_first[image] + a_count * (part + 1) / parts;
    const int64_t b_begin = partition.b_first[image];
    kernels::Match m;
    m.a = a.get() + a_begin * width;
    m.b = b.get() + b_begin * width;
    m.rows = a_end - a_begin;
    m.columns = partition.b_first[image + 1] - b_begin;
    m.width = width;
    m.best = edges.score.data() + a_begin;
    m.best_column = edges.target.data() + a_begin;
    if (m.rows == 0) return;
    draw(m, image, a_begin, scratch.get() + worker * scratch_size);
  });
  return edges;
}

Edges Cpu::match(const Tensor& feature, const Partition& partition, Distance distance) {
  const auto draw = [&](kernels::Match& m, int64_t image, int64_t, float* scratch) {
    m.first_allowed = partition.b_protected[image];
    m.similarity = similarity_of(distance);
    if (m.first_allowed >= m.columns) return;
    kernels_.match(m, scratch);
    for (int64_t i = 0; i < m.rows; ++i)
      m.best_column[i] = partition.b[partition.b_first[image] + m.best_column[i]];
  };
  return draw_edges(feature, partition, distance == Distance::cosine, draw);
}

Edges Cpu::match_ranked(const Tensor& feature, const Ranking& ranking, std::span<const float> sizes,
                        double exponent) {
  const Partition& pairs = ranking.pairs;
  const auto draw = [&](kernels::Match& m, int64_t image, int64_t a_begin, float* scratch) {
    const std::span<const int32_t> a(pairs.a.data() + a_begin, m.rows);
    const std::span<const int32_t> b(pairs.b.data() + pairs.b_first[image], m.columns);
    const SizeFactors factors(a, b, sizes, exponent);
    std::vector<const float*> lines;
    for (const int32_t row : a) lines.push_back(factors.of(sizes[row]));
    m.allowed = ranking.allowed.data() + a_begin;
    m.factors = lines.data();
    kernels_.match(m, scratch);
    for (int64_t i = 0; i < m.rows; ++i) {
      const bool is_alone = m.allowed[i] >= m.columns;
      if (is_alone) m.best[i] = -std::numeric_limits<float>::infinity();
      m.best_column[i] = is_alone ? a[i] : b[m.best_column[i]];
    }
  };
  return draw_edges(feature, pairs, true, draw);
}

}  // namespace fovea
