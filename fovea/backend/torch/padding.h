// Sequences of different lengths as one block, and back.
#pragma once

#include <torch/types.h>

#include <span>
#include <vector>

namespace fovea {

// Whole numbers as a tensor that can index on `device`.
torch::Tensor index_tensor(std::span<const int32_t> values, torch::Device device);

// Rows of B sequences, b owning [first[b], first[b + 1]), as [B, T, ...] where T is the longest.
class Padding {
 public:
  Padding(std::span<const int32_t> first, torch::Device device);

  int64_t batch() const { return static_cast<int64_t>(lengths_.size()); }
  int64_t longest() const { return longest_; }
  // Where the sequences lie, which must outlive this.
  std::span<const int32_t> first() const { return first_; }
  // Whether all sequences are equally long, so that nothing is copied.
  bool is_even() const { return !source_.defined(); }

  // [rows, ...] -> [B, T, ...]; behind a shorter sequence stands some row. There must be rows.
  torch::Tensor pad(const torch::Tensor& rows) const;
  // [B, T, ...] -> [rows, ...]
  torch::Tensor unpad(const torch::Tensor& block) const;
  // [B, T]: true at positions from begin[b] to the end of sequence b.
  torch::Tensor from(std::span<const int32_t> begin) const;
  // [B, T]: true within each sequence.
  torch::Tensor within() const;

 private:
  std::span<const int32_t> first_;
  torch::Device device_;
  std::vector<int32_t> lengths_;
  int64_t longest_ = 0;
  torch::Tensor source_;  // [B * T]: the row for each place of the block; undefined where even
  torch::Tensor place_;   // [rows]: the place of each row
};

}  // namespace fovea
