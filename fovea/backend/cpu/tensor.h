// Activations of the CPU backend: rows of channels, one row a token, for all sequences of a batch.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "fovea/backend/kinds.h"
#include "fovea/backend/plan.h"

namespace fovea {

inline int64_t bytes_of(Dtype dtype) { return dtype == Dtype::f32 ? 4 : 2; }

// Floats of a thread's own, such that no two share a line of the cache, rounded up.
inline int64_t whole_lines(int64_t floats) {
  constexpr int64_t kLine = 16;
  return (floats + kLine - 1) / kLine * kLine;
}

// Distance between rows of `channels` numbers, in these. A multiple of 4 KiB would let the rows of
// one tile fight for the same lines of the first cache. Whole floats: an odd width in bf16 ends in
// a whole pair.
inline int64_t row_stride(int64_t channels, Dtype dtype = Dtype::f32) {
  const int64_t in_float = 4 / bytes_of(dtype);
  const int64_t whole = (channels + in_float - 1) / in_float * in_float;
  return whole % (1024 * in_float) == 0 ? whole + 16 * in_float : whole;
}

// [B, T_b, C] in one block, rows `stride` numbers apart: T may differ from image to image. What is
// not of floats is what one product leaves for the next. Copies share the memory.
class Tensor {
 public:
  Tensor() = default;
  Tensor(std::shared_ptr<const Sequences> sequences, int64_t channels, int64_t stride,
         std::shared_ptr<float[]> data, Dtype dtype = Dtype::f32)
      : sequences_(std::move(sequences)),
        channels_(channels),
        stride_(stride),
        dtype_(dtype),
        data_(std::move(data)) {}

  const Sequences& sequences() const { return *sequences_; }
  const std::shared_ptr<const Sequences>& shared_sequences() const { return sequences_; }
  const std::shared_ptr<float[]>& shared_data() const { return data_; }
  int64_t batch() const { return static_cast<int64_t>(sequences_->size()) - 1; }
  int64_t rows() const { return sequences_->back(); }
  int64_t channels() const { return channels_; }
  int64_t stride() const { return stride_; }
  Dtype dtype() const { return dtype_; }
  int64_t first(int64_t image) const { return (*sequences_)[image]; }
  int64_t tokens(int64_t image) const { return first(image + 1) - first(image); }
  // Of floats.
  float* row(int64_t i) const { return data_.get() + i * stride_; }
  // Of any format.
  void* at(int64_t row, int64_t channel = 0) const {
    return reinterpret_cast<char*>(data_.get()) + (row * stride_ + channel) * bytes_of(dtype_);
  }

  // The same rows as other sequences.
  Tensor regrouped(Sequences first) const {
    return {std::make_shared<const Sequences>(std::move(first)), channels_, stride_, data_, dtype_};
  }

  // Some of the channels, in the same memory; of floats.
  Tensor columns(int64_t begin, int64_t count) const {
    return {sequences_, count, stride_, {data_, data_.get() + begin}};
  }

 private:
  std::shared_ptr<const Sequences> sequences_;
  int64_t channels_ = 0;
  int64_t stride_ = 0;
  Dtype dtype_ = Dtype::f32;
  std::shared_ptr<float[]> data_;
};

// Sequences of the same images with `count(tokens)` tokens each.
template <class Count>
std::shared_ptr<const Sequences> sequences_of(const Tensor& x, const Count& count) {
  auto sequences = std::make_shared<Sequences>(1, 0);
  for (int64_t b = 0; b < x.batch(); ++b) {
    sequences->push_back(sequences->back() + static_cast<int32_t>(count(x.tokens(b))));
  }
  return sequences;
}

}  // namespace fovea
