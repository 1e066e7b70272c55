#include "fovea/backend/torch/device.h"

#include <torch/cuda.h>

#include <charconv>
#include <string_view>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

// The N of "cuda:N"; -1 where that is none.
int index_of(std::string_view digits) {
  int index = -1;
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, index);
  return error == std::errc() && rest == end ? index : -1;
}

}  // namespace

torch::Device parse_device(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  constexpr std::string_view kNumbered = "cuda:";
  int index = name == "cuda" ? 0 : -1;
  if (name.starts_with(kNumbered)) index = index_of(name.substr(kNumbered.size()));
  if (index < 0) fail("device {}: unknown; expected cpu, cuda or cuda:N", printable(name));
  const int count = static_cast<unsigned char>(torch::cuda::device_count());
  if (count == 0) {
    fail("device {}: libtorch finds no CUDA device here; expected cpu", printable(name));
  }
  if (index >= count) {
    fail("device {}: there are {} CUDA devices; expected a number below that", printable(name),
         count);
  }
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(index)};
}

}  // namespace fovea
