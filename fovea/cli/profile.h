// Printing where the time of a run went.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "fovea/backend/profile.h"
#include "fovea/fovea.h"

namespace fovea::cli {

// A run's time by kind of work, with what is needed to judge it. Plain data.
struct ProfiledRun {
  Profile profile;
  double peak_per_thread;  // operations a second that multiply-adds of this number format can reach
  int threads_per_image;
};

// Runs once more, watching. The model's threads each take whole images where the batch is large
// enough.
ProfiledRun profile_run(const Model& model, const Array& images, const RunOptions& options,
                        Dtype dtype);

void print_profile(const ProfiledRun& run);
nlohmann::ordered_json profile_as_json(const ProfiledRun& run);

}  // namespace fovea::cli
