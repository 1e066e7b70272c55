// Where a model's weights come from, under canonical names: a checkpoint, or random numbers.
#pragma once

#include <cstdint>
#include <string>

#include "fovea/io/array.h"

namespace fovea {

class Checkpoint;

class WeightSource {
 public:
  virtual ~WeightSource() = default;
  // The values under a canonical name (see Checkpoint). Throws Error naming the tensor when it is
  // missing or has another shape.
  virtual Array read(const std::string& name, const Shape& shape) = 0;
};

// Reads from a checkpoint, which must outlive it. Asks for attn.qkv whichever way the file stores
// it.
class CheckpointWeights : public WeightSource {
 public:
  explicit CheckpointWeights(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}
  Array read(const std::string& name, const Shape& shape) override;

 private:
  const Checkpoint& checkpoint_;
};

// Weights as a fresh model has them: norms and scales of 1, biases and alphas of 0, everything else
// random with deviation 0.02. The same name and seed give the same values.
class RandomWeights : public WeightSource {
 public:
  explicit RandomWeights(uint64_t seed) : seed_(seed) {}
  Array read(const std::string& name, const Shape& shape) override;

 private:
  uint64_t seed_;
};

}  // namespace fovea
