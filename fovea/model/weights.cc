#include "fovea/model/weights.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "fovea/io/random.h"
#include "fovea/model/checkpoint.h"

namespace fovea {
namespace {

void fill(Array& values, float value) { std::fill(values.data.begin(), values.data.end(), value); }

uint64_t hash(std::string_view text, uint64_t seed) {
  uint64_t state = seed;
  for (const char c : text) state = next_random(state) ^ static_cast<unsigned char>(c);
  return state;
}

}  // namespace

Array CheckpointWeights::values(const std::string& name, const Shape& shape, Start /*start*/) {
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
  checkpoint_.let_go();  // a backend keeps its own copy, packed
  return joined;
}

Array RandomWeights::values(const std::string& name, const Shape& shape, Start start) {
  Array drawn(shape);
  if (start == Start::one || start == Start::scale) {
    fill(drawn, 1);
  } else if (start != Start::zero) {
    // Uniform with a deviation of 0.02: a sum over hundreds of inputs can't tell it from a normal
    // one.
    const float width = 0.02F * std::sqrt(12.0F);
    uint64_t state = hash(name, seed_);
    for (float& value : drawn.data)
      value = (static_cast<float>(next_random(state) >> 40) * 0x1p-24F - 0.5F) * width;
  }
  return drawn;
}

Array InitialWeights::values(const std::string& name, const Shape& shape, Start start) {
  Array drawn(shape);
  Random random(hash(name, seed_));
  switch (start) {
    case Start::zero:
      break;
    case Start::one:
      fill(drawn, 1);
      break;
    case Start::scale:
      fill(drawn, layer_scale_);
      break;
    case Start::convolution: {
      const double bound = 1 / std::sqrt(static_cast<double>(elements(shape) / shape[0]));
      for (float& value : drawn.data) value = static_cast<float>(random.uniform(-bound, bound));
      break;
    }
    case Start::unit:
      for (float& value : drawn.data) value = static_cast<float>(random.normal());
      break;
    case Start::normal:
    case Start::joining:
      for (float& value : drawn.data) value = static_cast<float>(0.02 * random.normal());
  }
  return drawn;
}

}  // namespace fovea
