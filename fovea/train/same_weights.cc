#include "fovea/train/same_weights.h"
#include "fovea/io/fail.h"

#include <bit>
#include <cstdint>
#include <span>

namespace fovea {
namespace {

// FNV-1a, over words.
uint64_t digest(const std::vector<TorchParameter>& tensors) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const Weight& weight : host_copies(tensors)) {
    for (const float value : weight.values.data) {
      hash = (hash ^ std::bit_cast<uint32_t>(value)) * 0x100000001b3U;
    }
  }
  return hash;
}

}  // namespace

void expect_same_weights(const std::vector<TorchParameter>& tensors, const Processes& processes) {
  if (processes.size() == 1) return;
  const uint64_t own = digest(tensors);
  uint64_t first = own;
  processes.broadcast(std::as_writable_bytes(std::span(&first, 1)), 0);
  processes.together([&] {
    if (own != first) {
      fail("starts from other weights than process 0; expected the same model and checkpoint");
    }
  });
}

}  // namespace fovea
