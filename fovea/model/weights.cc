#include "fovea/model/weights.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "fovea/io/random.h"
#include "fovea/model/checkpoint.h"

namespace fovea {
namespace {

// Whether every value is 1 in a model that has not been trained: the weights of norms are the only
// ones with one dimension.
bool starts_as_one(std::string_view name, const Shape& shape) {
  return (name.ends_with(".weight") && shape.size() == 1) || name.ends_with(".running_var");
}

// How much of the big path a LITTLE block takes in: one number, and no LayerScale.
bool is_fusion(std::string_view name, const Shape& shape) {
  return name.ends_with(".gamma") && shape == Shape{1};
}

bool starts_as_zero(std::string_view name) {
  return name.ends_with(".bias") || name.ends_with(".running_mean") ||
         name.ends_with(".alpha_attn") || name.ends_with(".alpha_mlp");
}

uint64_t hash(std::string_view text, uint64_t seed) {
  uint64_t state = seed;
  for (const char c : text) state = next_random(state) ^ static_cast<unsigned char>(c);
  return state;
}

}  // namespace

Array CheckpointWeights::read(const std::string& name, const Shape& shape) {
  // Queries, keys and values may have no bias: timm's qkv_bias = false.
  const bool is_bias = name.ends_with(".attn.qkv.bias");
  if (is_bias && !checkpoint_.has_any(name)) return Array(shape);
  Array joined(shape, {});
  for (const Checkpoint::Part& part : checkpoint_.parts(name, shape.empty() ? 1 : shape[0])) {
    Shape part_shape = shape;
    if (!shape.empty()) part_shape[0] = part.rows;
    const Array rows =
        part.name.empty() ? Array(part_shape) : checkpoint_.read(part.name, part_shape);
    joined.data.insert(joined.data.end(), rows.data.begin(), rows.data.end());
  }
  return joined;
}

Array RandomWeights::read(const std::string& name, const Shape& shape) {
  Array values(shape);
  if (starts_as_one(name, shape) || name.ends_with(".gamma")) {
    std::fill(values.data.begin(), values.data.end(), 1.0F);
  } else if (!starts_as_zero(name)) {
    // Uniform with a deviation of 0.02: a sum over hundreds of inputs can't tell it from a normal
    // one.
    const float width = 0.02F * std::sqrt(12.0F);
    uint64_t state = hash(name, seed_);
    for (float& value : values.data)
      value = (static_cast<float>(next_random(state) >> 40) * 0x1p-24F - 0.5F) * width;
  }
  return values;
}

Array InitialWeights::read(const std::string& name, const Shape& shape) {
  Array values(shape);
  Random random(hash(name, seed_));
  if (starts_as_one(name, shape) || is_fusion(name, shape)) {
    std::fill(values.data.begin(), values.data.end(), 1.0F);
  } else if (name.ends_with(".gamma")) {
    std::fill(values.data.begin(), values.data.end(), layer_scale_);
  } else if (shape.size() == 4) {
    const double bound = 1 / std::sqrt(static_cast<double>(elements(shape) / shape[0]));
    for (float& value : values.data) value = static_cast<float>(random.uniform(-bound, bound));
  } else if (!starts_as_zero(name)) {
    for (float& value : values.data) value = static_cast<float>(0.02 * random.normal());
  }
  return values;
}

}  // namespace fovea
