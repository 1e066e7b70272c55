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
  // The values under a canonical name (see Checkpoint); `start` says what they are where there are
  // none yet. Throws Error naming the tensor when it is missing or has another shape.
  Array read(const std::string& name, const Shape& shape, Start start = Start::normal) {
    return values(name, shape, start);
  }
  // The same as backends take it.
  Weight named(const std::string& name, const Shape& shape, Start start = Start::normal) {
    return {read(name, shape, start), name};
  }

 private:
  virtual Array values(const std::string& name, const Shape& shape, Start start) = 0;
};

// Reads from a checkpoint, which must outlive it. Asks for attn.qkv whichever way the file stores
// it.
class CheckpointWeights : public WeightSource {
 public:
  explicit CheckpointWeights(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

 private:
  Array values(const std::string& name, const Shape& shape, Start start) override;

  const Checkpoint& checkpoint_;
};

// Weights to measure speed with: what begins as 0 or 1 does, scales are 1, everything else is
// random with deviation 0.02. The same name and seed give the same values.
class RandomWeights : public WeightSource {
 public:
  explicit RandomWeights(uint64_t seed) : seed_(seed) {}

 private:
  Array values(const std::string& name, const Shape& shape, Start start) override;

  uint64_t seed_;
};

// Weights that training starts from, as timm and DeiT draw them: normal numbers of deviation 0.02
// (timm cuts them at 2, which none reaches), convolutions uniform within 1 / sqrt(inputs),
// LayerScale `layer_scale`. The same name and seed give the same values.
class InitialWeights : public WeightSource {
 public:
  InitialWeights(uint64_t seed, float layer_scale) : seed_(seed), layer_scale_(layer_scale) {}

 private:
  Array values(const std::string& name, const Shape& shape, Start start) override;

  uint64_t seed_;
  float layer_scale_;
};

}  // namespace fovea
