// Activations of the CPU backend: rows of channels, one row a token, for all sequences of a batch.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "fovea/backend/plan.h"

namespace fovea {

// Distance between rows of `channels` floats. A multiple of 4 KiB would let the rows of one tile
// fight for the same lines of the first cache.
inline int64_t row_stride(int64_t channels) {
  return channels % 1024 == 0 ? channels + 16 : channels;
}

// The same for bf16, in elements; even, so that an odd width ends in a whole pair.
inline int64_t half_row_stride(int64_t channels) {
  return channels % 2048 == 0 ? channels + 32 : (channels + 1) / 2 * 2;
}

// [B, T_b, C] in one block, rows `stride` floats apart: T may differ from image to image. Copies
// share the memory.
class Tensor {
 public:
  Tensor() = default;
  Tensor(std::shared_ptr<const Sequences> sequences, int64_t channels, int64_t stride,
         std::shared_ptr<float[]> data)
      : sequences_(std::move(sequences)),
        channels_(channels),
        stride_(stride),
        data_(std::move(data)) {}

  const Sequences& sequences() const { return *sequences_; }
  const std::shared_ptr<const Sequences>& shared_sequences() const { return sequences_; }
  const std::shared_ptr<float[]>& shared_data() const { return data_; }
  int64_t batch() const { return static_cast<int64_t>(sequences_->size()) - 1; }
  int64_t rows() const { return sequences_->back(); }
  int64_t channels() const { return channels_; }
  int64_t stride() const { return stride_; }
  int64_t first(int64_t image) const { return (*sequences_)[image]; }
  int64_t tokens(int64_t image) const { return first(image + 1) - first(image); }
  float* data() const { return data_.get(); }
  float* row(int64_t i) const { return data_.get() + i * stride_; }

  // Some of the channels, in the same memory.
  Tensor columns(int64_t begin, int64_t count) const {
    return {sequences_, count, stride_, {data_, data_.get() + begin}};
  }

  // A tensor of bf16: what one product leaves for the next. Only its rows' addresses are of use.
  bool is_half() const { return is_half_; }
  static Tensor half(std::shared_ptr<const Sequences> sequences, int64_t channels, int64_t stride,
                     std::shared_ptr<float[]> data) {
    Tensor tensor(std::move(sequences), channels, stride, std::move(data));
    tensor.is_half_ = true;
    return tensor;
  }
  uint16_t* half_row(int64_t i) const {
    return reinterpret_cast<uint16_t*>(data_.get()) + i * stride_;
  }

 private:
  std::shared_ptr<const Sequences> sequences_;
  int64_t channels_ = 0;
  int64_t stride_ = 0;
  bool is_half_ = false;
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
