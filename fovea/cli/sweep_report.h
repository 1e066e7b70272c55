// The results of a sweep as a table and as a plot.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fovea/cli/settings.h"
#include "fovea/study/comparison.h"

namespace fovea::cli {

// What one setting gave; the first row of a sweep is the dense model.
struct SweepRow {
  Setting setting;
  int64_t images = 0;
  double fidelity_error = 0;        // its standard error
  double fidelity = 0;              // mean cosine of the features to the dense model's
  std::optional<double> agreement;  // of the likeliest class, where the model has a head
  double images_per_second = 0;
  double gflops_per_image = 0;
  double speedup = 0;  // over the dense model
};

// `comparison` is of the dense model and `settings`.
std::vector<SweepRow> sweep_rows(const Model& model, const std::vector<Setting>& settings,
                                 const Comparison& comparison);

// With a header; columns of options that no row gives are left out.
std::string sweep_csv(const std::vector<SweepRow>& rows);

// Fidelity against images per second as SVG: a line through the settings that differ in
// the option `along` alone.
std::string sweep_plot(const std::string& model, Medium medium, const std::string& along,
                       const std::vector<SweepRow>& rows);

}  // namespace fovea::cli
