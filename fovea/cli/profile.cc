#include "fovea/cli/profile.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "fovea/backend/cpu/peak.h"
#include "fovea/cli/console.h"

namespace fovea::cli {
namespace {

constexpr int kRuns = 5;
constexpr std::array<const char*, kWorkKinds> kNames = {
    "patches", "norms", "products", "attention", "merging", "routing", "other"};

double share(const ProfiledRun& run, size_t kind) {
  return run.profile.seconds[kind] / run.profile.total();
}

// Operations a second of one thread.
double rate(const ProfiledRun& run, double operations, Work work) {
  return operations / run.profile[work] / run.threads_per_image;
}

}  // namespace

ProfiledRun profile_run(const Model& model, const Array& images, const RunOptions& options,
                        Dtype dtype) {
  ProfiledRun run = {};
  RunOptions watched = options;
  watched.profile = &run.profile;
  for (int i = 0; i < kRuns; ++i) model.run(images, watched);
  for (double& seconds : run.profile.seconds) seconds /= kRuns;
  run.profile.product_operations /= kRuns;
  run.profile.attention_operations /= kRuns;
  // Images that don't share out evenly are spread over all threads; a batch of one is all such.
  run.threads_per_image = images.shape[0] < model.threads() ? model.threads() : 1;
  const InstructionSet instructions = chosen_instructions();
  run.peak_per_thread = multiply_add_peak(instructions);
  const bool dots = dtype == Dtype::bf16 && instructions.has(levels::kAvx512Bf16);
  if (dots) run.peak_per_thread *= 2;  // the dot instruction does two multiply-adds a lane
  return run;
}

void print_profile(const ProfiledRun& run) {
  for (size_t kind = 0; kind < kWorkKinds; ++kind) {
    std::string line = fmt::format("      {:<10}{:6.2f} %", kNames[kind], 100 * share(run, kind));
    const auto work = static_cast<Work>(kind);
    const bool counted = work == Work::products || work == Work::attention;
    if (counted) {
      const double operations = work == Work::products ? run.profile.product_operations
                                                       : run.profile.attention_operations;
      const double reached = rate(run, operations, work);
      line += fmt::format("   {:6.1f} GFLOP/s a thread, {:.0f} % of the peak", reached * 1e-9,
                          100 * reached / run.peak_per_thread);
    }
    print(line + "\n");
  }
}

nlohmann::ordered_json profile_as_json(const ProfiledRun& run) {
  nlohmann::ordered_json shares;
  for (size_t kind = 0; kind < kWorkKinds; ++kind) shares[kNames[kind]] = share(run, kind);
  const double products = rate(run, run.profile.product_operations, Work::products);
  const double attention = rate(run, run.profile.attention_operations, Work::attention);
  return {{"shares", shares},
          {"products_of_peak", products / run.peak_per_thread},
          {"attention_of_peak", attention / run.peak_per_thread},
          {"peak_gflops_per_thread", run.peak_per_thread * 1e-9}};
}

}  // namespace fovea::cli
