// Which token each position of the input ended in, and the way back.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fovea/api.h"
#include "fovea/backend/plan.h"
#include "fovea/io/array.h"

namespace fovea {

// For each image and each of its N input positions (prefix tokens included) the index of the token
// it is part of now; -1 once it was dropped.
class FOVEA_API Sources {
 public:
  explicit Sources(const Sequences& sequences);

  // Follows a merge of sequences of which `per_image` make up an image.
  void apply(const Plan& plan, int per_image = 1);
  // Tokens take other places within their images: those of rows[i] now stand in row i.
  void reorder(std::span<const int32_t> rows);

  // Of one image.
  const std::vector<int32_t>& of(size_t image) const { return source_[image]; }
  size_t batch() const { return source_.size(); }

 private:
  std::vector<std::vector<int32_t>> source_;
  Sequences first_;  // of the tokens that there are now
};

// tokens [B, T, C], source [B, N] -> [B, N, C]: every position gets the value of the token that it
// ended in; zeros where it was dropped (the paper's section 5, "unmerge").
FOVEA_API Array unmerge(const Array& tokens, const IntArray& source);

}  // namespace fovea
