// What batches for training are made of: inputs of whatever medium, changed at random.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fovea/data/augment.h"
#include "fovea/data/dataset.h"
#include "fovea/data/segment_sample.h"
#include "fovea/data/segmented.h"
#include "fovea/io/array.h"
#include "fovea/io/random.h"
#include "fovea/model/config.h"

namespace fovea {

class Samples {
 public:
  virtual ~Samples() = default;
  virtual int64_t size() const = 0;
  virtual const char* what() const = 0;                 // they are, for messages: "pictures"
  virtual Shape shape() const = 0;                      // of one input
  virtual int classes() const { return 0; }             // 0: they have no labels
  virtual int label(int64_t /*i*/) const { return 0; }  // where there are classes
  // Writes input `i`, normalised and changed as drawn from `random`, to `out`, and its masks where
  // it has such. Several threads at once, but never two with the same input. Throws Error with its
  // name.
  virtual void make(int64_t i, Random& random, std::span<float> out,
                    std::vector<SquareMask>& masks) = 0;
};

// Decoded samples that stay in memory up to some bytes, for threads that never ask for the same one
// at once.
template <class Value>
class Kept {
 public:
  static constexpr int64_t kMost = int64_t{1} << 30;
  explicit Kept(int64_t count, int64_t most = kMost) : values_(count), left_(most) {}

  bool has(int64_t i) const { return values_[i] != nullptr; }
  bool has_room() const { return left_ > 0; }
  const Value& at(int64_t i) const { return *values_[i]; }
  // Keeps a value where there is room; returns it, or `value` itself.
  const Value& keep(int64_t i, Value& value, int64_t bytes) {
    if (left_.fetch_sub(bytes) < bytes) {
      left_.fetch_add(bytes);
      return value;
    }
    values_[i] = std::make_unique<Value>(std::move(value));
    return *values_[i];
  }

 private:
  std::vector<std::unique_ptr<Value>> values_;
  std::atomic<int64_t> left_;  // bytes
};

// How pictures become samples.
struct PictureSampling {
  Preprocessing preprocessing;
  Augmentation augmentation;
  SegmentSampling segments = {};  // of segmented pictures
  bool keep_decoded = true;       // pictures stay in memory, up to 1 GiB of them
};

// `data` must outlive them.
std::unique_ptr<Samples> picture_samples(const Dataset& data, const PictureSampling& options);
std::unique_ptr<Samples> picture_samples(const SegmentedPictures& data,
                                         const PictureSampling& options);

}  // namespace fovea
