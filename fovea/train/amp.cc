#include "fovea/train/amp.h"

#include <ATen/Context.h>
#include <c10/core/DeviceGuard.h>
#include <fmt/format.h>

#include "fovea/backend/cpu/instruction_set.h"
#include "fovea/backend/torch/device.h"

namespace fovea {

Multiplier multiplier_of(const std::string& device) {
  const torch::Device parsed = parse_device(device);
  if (parsed.is_cuda()) {
    const c10::DeviceGuard guard(parsed);
    // From Ampere on: the one question about bf16 that libtorch answers without CUDA's headers.
    return {device, at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8()};
  }
  const InstructionSet chosen = chosen_instructions();
  const char* capped =
      to_string(chosen) == to_string(available_levels().back()) ? "" : " by FOVEA_SIMD";
  return {fmt::format("the processor ({}{})", to_string(chosen), capped),
          chosen.has(levels::kAvx512Bf16)};
}

Multiplier agreed(const Multiplier& own, const Processes& processes) {
  int64_t able = own.in_bf16 ? 1 : 0;
  processes.sum({&able});
  if (able == processes.size() || !own.in_bf16) return own;
  return {"that of some of the processes", false};
}

AmpChoice choose_amp(Amp asked, const Multiplier& multiplier) {
  const auto& [name, in_bf16] = multiplier;
  if (asked == Amp::automatic && in_bf16) {
    return {true, fmt::format("amp is auto: multiplies in bf16, as {} does", name)};
  }
  if (asked == Amp::automatic) {
    return {false, fmt::format("amp is auto: multiplies in f32, for {} has no bf16", name)};
  }
  if (asked == Amp::on && !in_bf16) {
    return {true,
            fmt::format("amp is true: multiplies in bf16, but {} has none, so that a step may "
                        "take many times as long as with amp auto",
                        name)};
  }
  return {asked == Amp::on, {}};
}

}  // namespace fovea
