// Random numbers that are the same on every machine: the standard library's distributions are not.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <numbers>

namespace fovea {

// splitmix64: the next of a sequence of well-mixed numbers.
inline uint64_t next_random(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

// A stream of random numbers. Streams from different seeds have nothing to do with each other.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  // From several numbers: a seed, an epoch, a picture.
  Random(std::initializer_list<uint64_t> words) {
    for (const uint64_t word : words) state_ = next_random(state_) ^ word;
  }

  // In [0, 1).
  double uniform() { return static_cast<double>(next_random(state_) >> 11) * 0x1p-53; }
  double uniform(double from, double to) { return from + (to - from) * uniform(); }
  // 0 to count - 1.
  int64_t below(int64_t count) {
    return static_cast<int64_t>(next_random(state_) % static_cast<uint64_t>(count));
  }
  bool chance(double probability) { return uniform() < probability; }
  // Of mean 0 and deviation 1 (Box and Muller).
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  uint64_t state_ = 0;
};

}  // namespace fovea
