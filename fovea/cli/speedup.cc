#include "fovea/cli/speedup.h"

#include <filesystem>

#include "fovea/cli/console.h"
#include "fovea/cli/options.h"
#include "fovea/io/fail.h"
#include "fovea/model/location.h"

namespace fovea::cli {
namespace {

// What lies below the options that are given: of the file that tune writes where there is one. What
// says in another way how r goes from layer to layer leaves out the file's.
MergeTexts with_tuned(MergeTexts texts, const std::string& model, std::string& file) {
  if (texts.contains("r") || is_named(model)) return texts;
  const std::filesystem::path path = tuned_config_of(model);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return texts;
  MergeTexts below = read_merge_config(path);
  if (texts.contains("inflect")) below.erase("r");
  if (below.contains("r")) file = path.string();
  texts.merge(below);
  return texts;
}

void note_reached(double wanted, const Speedup& reached, const std::string& file) {
  const bool scaled = reached.factor != 1 || !reached.merge.schedule.per_layer.empty();
  const std::string schedule = file.empty() ? "the schedule" : file;
  note(fmt::format("--speedup {}: {}r {}, {:.4g} of {:.4g} GFLOPs, {:.2f} times less", wanted,
                   scaled ? fmt::format("{} times {:.4g}, ", schedule, reached.factor) : "",
                   to_string(reached.merge.schedule), reached.merged_gflops, reached.dense_gflops,
                   reached.dense_gflops / reached.merged_gflops));
}

}  // namespace

std::filesystem::path tuned_config_of(const std::string& model) {
  const ModelPath parts = split_delta(model);
  const std::filesystem::path& file = parts.delta ? *parts.delta : parts.base;
  return (std::filesystem::is_directory(file) ? file : file.parent_path()) / "fovea.json";
}

MergeTexts at_speedup(const MergeTexts& texts, double speedup, const SpeedupOf& of) {
  std::string file;
  MergeTexts below = with_tuned(texts, of.model, file);
  const Speedup reached = reach_speedup(of.architecture, of.size, merge_options(below), speedup);
  note_reached(speedup, reached, file);
  // As it would be typed: what is printed beside it stands in the option inflect.
  Schedule schedule = reached.merge.schedule;
  schedule.inflect.reset();
  below["r"] = to_string(schedule);
  return below;
}

void resolve_speedup(const MergeFlags& flags, const std::string& model,
                     const Architecture& architecture, const Grid& size, RunOptions& options) {
  const std::vector<double> speedups = parse_speedups(flags);
  if (speedups.empty()) return;
  options.merge = merge_options(
      at_speedup(layered(flags), speedups.front(), {model, as_run(architecture, options), size}));
  check_fits(options.merge, architecture);
}

}  // namespace fovea::cli
