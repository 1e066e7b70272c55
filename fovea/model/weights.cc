#include "fovea/model/weights.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "fovea/model/checkpoint.h"

namespace fovea {
namespace {

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view e) { return name.ends_with(e); });
}

// splitmix64: the next of a sequence of well-mixed numbers.
uint64_t next(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

uint64_t hash(std::string_view text, uint64_t seed) {
  uint64_t state = seed;
  for (const char c : text) state = next(state) ^ static_cast<unsigned char>(c);
  return state;
}

}  // namespace

Array CheckpointWeights::read(const std::string& name, const Shape& shape) {
  const std::vector<std::string> parts = checkpoint_.parts(name);
  // Queries, keys and values may have no bias: timm's qkv_bias = false.
  const bool is_bias = name.ends_with(".attn.qkv.bias");
  if (is_bias && !checkpoint_.has(parts.front())) return Array(shape);
  if (parts.size() == 1) return checkpoint_.read(parts.front(), shape);
  Array joined(shape, {});
  Shape part_shape = shape;
  part_shape[0] /= static_cast<int64_t>(parts.size());
  for (const std::string& part : parts) {
    const Array rows = checkpoint_.read(part, part_shape);
    joined.data.insert(joined.data.end(), rows.data.begin(), rows.data.end());
  }
  return joined;
}

Array RandomWeights::read(const std::string& name, const Shape& shape) {
  Array values(shape);
  if (ends_with_any(name,
                    {"norm.weight", "norm1.weight", "norm2.weight", ".gamma", ".running_var"})) {
    std::fill(values.data.begin(), values.data.end(), 1.0F);
  } else if (!ends_with_any(name, {".bias", ".running_mean", ".alpha_attn", ".alpha_mlp"})) {
    // Uniform with a deviation of 0.02: a sum over hundreds of inputs can't tell it from a normal
    // one.
    const float width = 0.02F * std::sqrt(12.0F);
    uint64_t state = hash(name, seed_);
    for (float& value : values.data)
      value = (static_cast<float>(next(state) >> 40) * 0x1p-24F - 0.5F) * width;
  }
  return values;
}

}  // namespace fovea
