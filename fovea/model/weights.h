// Where a model's weights come from, under canonical names: a checkpoint, or random numbers.
#pragma once

#include <cstdint>
#include <string>

#include "fovea/backend/weight.h"
#include "fovea/io/array.h"

namespace fovea {

class Checkpoint;

class WeightSource {
 public:
  virtual ~WeightSource() = default;
  // The values under a canonical name (see Checkpoint). Throws Error naming the tensor when it is
  // missing or has another shape.
  virtual Array read(const std::string& name, const Shape& shape) = 0;
  // The same as backends take it.
  Weight named(const std::string& name, const Shape& shape) { return {read(name, shape), name}; }
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

// Weights to measure speed with: norms and scales of 1, biases and alphas of 0, everything else
// random with deviation 0.02. The same name and seed give the same values.
class RandomWeights : public WeightSource {
 public:
  explicit RandomWeights(uint64_t seed) : seed_(seed) {}
  Array read(const std::string& name, const Shape& shape) override;

 private:
  uint64_t seed_;
};

// Weights that training starts from, as timm and DeiT draw them: normal numbers of deviation 0.02
// (timm cuts them at 2, which none reaches), convolutions uniform within 1 / sqrt(inputs), norms 1,
// biases 0, LayerScale `layer_scale`. The same name and seed give the same values.
class InitialWeights : public WeightSource {
 public:
  InitialWeights(uint64_t seed, float layer_scale) : seed_(seed), layer_scale_(layer_scale) {}
  Array read(const std::string& name, const Shape& shape) override;

 private:
  uint64_t seed_;
  float layer_scale_;
};

}  // namespace fovea
