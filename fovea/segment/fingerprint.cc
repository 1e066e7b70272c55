#include "fovea/segment/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace fovea {
namespace {

// FNV-1a, of 64 bits.
class Hash {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) {
      value_ = (value_ ^ std::to_integer<uint64_t>(byte)) * 0x100000001b3U;
    }
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325U;
};

bool is_decoders(std::string_view name) {
  constexpr std::string_view kParts[] = {"prompt_encoder.", "mask_decoder.",
                                         "shared_image_embedding."};
  return std::any_of(std::begin(kParts), std::end(kParts), [&](std::string_view part) {
    return name.find(part) != std::string_view::npos;
  });
}

uint64_t hash_of(const TensorView& tensor) {
  Hash hash;
  hash.add(std::as_bytes(std::span(tensor.shape)));
  hash.add(std::as_bytes(std::span(tensor.dtype)));
  // Reading all would take as long as loading the model: pieces from all over it.
  constexpr size_t kPieces = 32;
  constexpr size_t kBytes = 16;
  const std::span<const std::byte> bytes = tensor.bytes;
  if (bytes.size() <= kPieces * kBytes) {
    hash.add(bytes);
    return hash.value();
  }
  for (size_t i = 0; i < kPieces; ++i) {
    hash.add(bytes.subspan((bytes.size() - kBytes) * i / (kPieces - 1), kBytes));
  }
  return hash.value();
}

}  // namespace

std::string encoder_fingerprint(const TensorFile& file) {
  uint64_t sum = 0;  // whatever order names put them in
  for (const auto& [name, tensor] : file.tensors()) {
    if (!is_decoders(name)) sum += hash_of(tensor);
  }
  return fmt::format("{:016x}", sum);
}

}  // namespace fovea
