// --speedup: how tokens must merge for a model to cost so many times less.
#pragma once

#include <filesystem>
#include <string>

#include "fovea/backend/grid.h"
#include "fovea/cli/merge_flags.h"
#include "fovea/fovea.h"

namespace fovea::cli {

// The file that fovea tune writes for MODEL where no other is named: fovea.json beside it.
std::filesystem::path tuned_config_of(const std::string& model);

// What a speed-up is to be reached with: a model, as it is run, and the size of its input in
// pixels.
struct SpeedupOf {
  std::string model;  // as typed: a fovea.json beside it, as tune writes it, counts below `texts`
  Architecture architecture;
  Grid size;
};

// The options with the r that reaches `speedup`, and a note that says which. Throws Error where
// none does.
MergeTexts at_speedup(const MergeTexts& texts, double speedup, const SpeedupOf& of);

// The same for a command that makes one run: puts what --speedup comes to, if it is typed, into
// `options`.
void resolve_speedup(const MergeFlags& flags, const std::string& model,
                     const Architecture& architecture, const Grid& size, RunOptions& options);

}  // namespace fovea::cli
