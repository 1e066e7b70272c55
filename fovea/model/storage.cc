#include "fovea/model/storage.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "fovea/io/convert.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

template <typename Number>
std::vector<std::byte> bytes_of(const std::vector<Number>& values) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

// Values of two bytes each. Throws Error for those that become infinite.
std::vector<std::byte> narrow(const std::string& name, const std::vector<float>& values,
                              Storage storage, const std::string& file) {
  std::vector<uint16_t> halves;
  halves.reserve(values.size());
  for (const float value : values) {
    const bool is_half = storage == Storage::f16;
    halves.push_back(is_half ? float_to_half(value) : float_to_bfloat16(value));
    if (is_half && std::isfinite(value) && std::isinf(half_to_float(halves.back()))) {
      fail("{}: tensor {} holds {}; expected at most 65504 for f16", file, printable(name), value);
    }
  }
  return bytes_of(halves);
}

bool holds_floats(std::string_view dtype) {
  return dtype == "F32" || dtype == "F16" || dtype == "BF16" || dtype == "F64";
}

std::vector<float> rounded(const TensorView& tensor, const std::string& file) {
  constexpr auto kRound = [](double value) { return static_cast<float>(value); };
  if (tensor.dtype != "F64") return to_floats(tensor, file);
  return convert_to_floats<double, kRound>(tensor.bytes);
}

}  // namespace

const char* dtype_of(Storage storage) {
  if (storage == Storage::f32) return "F32";
  return storage == Storage::f16 ? "F16" : "BF16";
}

Storage storage_of(std::string_view dtype) {
  if (dtype == "F16") return Storage::f16;
  return dtype == "BF16" ? Storage::bf16 : Storage::f32;
}

TensorToWrite stored_as(Storage storage, std::string name, Shape shape,
                        std::function<std::vector<float>()> read, std::string file) {
  TensorToWrite tensor{std::move(name), dtype_of(storage), std::move(shape), {}};
  tensor.make = [storage, name = tensor.name, read = std::move(read), file = std::move(file)] {
    const std::vector<float> values = read();
    return storage == Storage::f32 ? bytes_of(values) : narrow(name, values, storage, file);
  };
  return tensor;
}

TensorToWrite stored_anew(const TensorView& tensor, std::string name,
                          std::optional<Storage> storage, std::string file) {
  if (!storage || !holds_floats(tensor.dtype) || tensor.dtype == dtype_of(*storage))
    return {std::move(name), tensor.dtype, tensor.shape, tensor.bytes};
  const auto read = [tensor, file] { return rounded(tensor, file); };
  return stored_as(*storage, std::move(name), tensor.shape, read, std::move(file));
}

}  // namespace fovea
