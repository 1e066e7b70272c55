#include "fovea/tokens/sources.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "fovea/io/fail.h"

namespace fovea {

Sources::Sources(const Sequences& sequences) : first_(sequences) {
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    source_.emplace_back(sequences[image + 1] - sequences[image]);
    std::iota(source_.back().begin(), source_.back().end(), 0);
  }
}

void Sources::apply(const Plan& plan, int per_image) {
  Sequences first(1, 0);
  for (size_t i = per_image; i < plan.first.size(); i += per_image) first.push_back(plan.first[i]);
  for (size_t image = 0; image < source_.size(); ++image) {
    for (int32_t& token : source_[image]) {
      if (token < 0) continue;
      const int32_t row = plan.target[first_[image] + token];
      token = row < 0 ? -1 : row - first[image];
    }
  }
  first_ = std::move(first);
}

void Sources::reorder(std::span<const int32_t> rows) {
  std::vector<int32_t> now(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) now[rows[i]] = static_cast<int32_t>(i);
  for (size_t image = 0; image < source_.size(); ++image) {
    for (int32_t& token : source_[image]) {
      if (token >= 0) token = now[first_[image] + token] - first_[image];
    }
  }
}

Array unmerge(const Array& tokens, const IntArray& source) {
  if (tokens.shape.size() != 3 || source.shape.size() != 2 || tokens.shape[0] != source.shape[0]) {
    fail("unmerge: tokens are {} and sources {}; expected [B, T, C] and [B, N]",
         to_string(tokens.shape), to_string(source.shape));
  }
  const int64_t batch = source.shape[0];
  const int64_t positions = source.shape[1];
  const int64_t channels = tokens.shape[2];
  Array dense({batch, positions, channels});
  for (int64_t i = 0; i < batch * positions; ++i) {
    const int32_t token = source.data[i];
    if (token < 0) continue;
    if (token >= tokens.shape[1]) {
      fail("unmerge: a position points at token {} of {}", token, tokens.shape[1]);
    }
    const int64_t row = i / positions * tokens.shape[1] + token;
    std::copy_n(tokens.data.begin() + row * channels, channels, dense.data.begin() + i * channels);
  }
  return dense;
}

}  // namespace fovea
