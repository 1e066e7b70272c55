#include "fovea/tokens/partitions.h"

#include <cstddef>

namespace fovea {
namespace {

enum class Side { a, b, neither };

// A partition of the tokens that are not protected: side(image, i, count) of the i-th of `count`.
template <class SideOf>
Partition partition_by(const Sequences& sequences, int protected_tokens, const SideOf& side) {
  Partition p;
  p.a_first.push_back(0);
  p.b_first.push_back(0);
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    const int32_t first = sequences[image] + protected_tokens;
    const int32_t count = sequences[image + 1] - first;
    for (int32_t i = 0; i < count; ++i) {
      const Side of = side(image, i, count);
      if (of != Side::neither) (of == Side::a ? p.a : p.b).push_back(first + i);
    }
    p.a_first.push_back(static_cast<int32_t>(p.a.size()));
    p.b_first.push_back(static_cast<int32_t>(p.b.size()));
    p.b_protected.push_back(0);
  }
  return p;
}

}  // namespace

// Unlike the others it has the protected tokens at odd positions in B, as the original has: they
// count in the softmax.
Partition alternate(const Sequences& sequences, int protected_tokens) {
  Partition p;
  p.a_first.push_back(0);
  p.b_first.push_back(0);
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    const int32_t first = sequences[image];
    const int32_t tokens = sequences[image + 1] - first;
    for (int32_t i = (protected_tokens + 1) / 2 * 2; i < tokens; i += 2) p.a.push_back(first + i);
    for (int32_t i = 1; i < tokens; i += 2) p.b.push_back(first + i);
    p.a_first.push_back(static_cast<int32_t>(p.a.size()));
    p.b_first.push_back(static_cast<int32_t>(p.b.size()));
    p.b_protected.push_back(protected_tokens / 2);
  }
  return p;
}

Partition halve(const Sequences& sequences, int protected_tokens) {
  return partition_by(sequences, protected_tokens, [](size_t, int32_t i, int32_t count) {
    return i < count / 2 ? Side::a : Side::b;
  });
}

Partition draw_half(const Sequences& sequences, int protected_tokens, const Draw& draw) {
  std::vector<int> halves;
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    halves.push_back((sequences[image + 1] - sequences[image] - protected_tokens) / 2);
  }
  return draw_partition(sequences, protected_tokens, halves, draw);
}

Partition draw_partition(const Sequences& sequences, int protected_tokens,
                         const std::vector<int>& taken, const Draw& draw) {
  std::vector<bool> drawn;
  return partition_by(sequences, protected_tokens, [&](size_t image, int32_t i, int32_t count) {
    if (i == 0) {
      drawn.assign(count, false);
      const std::vector<int32_t> order = random_order(count, draw);
      for (int j = 0; j < taken[image]; ++j) drawn[order[j]] = true;
    }
    return drawn[i] ? Side::a : Side::b;
  });
}

Partition every_kth(const Sequences& sequences, int protected_tokens, int k) {
  return partition_by(sequences, protected_tokens, [k](size_t, int32_t i, int32_t count) {
    if (i >= count / k * k) return Side::neither;
    return i % k == k - 1 ? Side::b : Side::a;
  });
}

}  // namespace fovea
