// fovea sweep: what settings of merging keep of a model's answers, and how fast they are.
#include <algorithm>
#include <memory>
#include <ostream>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/input_flags.h"
#include "fovea/cli/interrupt.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/progress.h"
#include "fovea/cli/settings.h"
#include "fovea/cli/speedup.h"
#include "fovea/cli/sweep_report.h"
#include "fovea/data/folder.h"
#include "fovea/io/fail.h"
#include "fovea/io/replacement.h"
#include "fovea/model/cost.h"
#include "fovea/study/comparison.h"

namespace fovea::cli {
namespace {

// Pictures that are kept, preprocessed, to be run more than once: enough to time by, and at most
// 400 MB of them for inputs of 1024 x 1024.
constexpr size_t kTimedPictures = 32;

struct Flags {
  std::string model, output, plot;
  std::string passes = "3";
  std::string random = "0";
  PictureFlags pictures;
  MergeFlags merge;
  RunFlags run;
};

// The option that changes along a line of the plot.
std::string along(const MergeTexts& lists) {
  return lists.contains("threshold") && !lists.contains("r") ? "threshold" : "r";
}

// Where the plot goes; nowhere where only the table goes to a pipe or a device.
std::string plot_path(const Flags& flags) {
  if (!flags.plot.empty()) return flags.plot;
  std::error_code ignored;
  const std::filesystem::path output = flags.output;
  const auto status = std::filesystem::status(output, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) return "";
  return std::filesystem::path(output).replace_extension(".svg");
}

void check_outputs(const Flags& flags) {
  check_can_write(flags.output, flags.model);
  const std::string plot = plot_path(flags);
  if (plot.empty()) return;
  if (std::filesystem::path(plot).extension() != ".svg") {
    fail("--plot {}: expected a name that ends in .svg", plot);
  }
  if (std::filesystem::path(plot).lexically_normal() ==
      std::filesystem::path(flags.output).lexically_normal()) {
    fail("--output {}: expected another file than that of the plot", flags.output);
  }
  check_can_write(plot);
}

// The combinations of what is typed, and what the file says as a run of its own.
std::vector<Setting> asked_for(const MergeFlags& flags) {
  MergeTexts lists = flags.typed;
  const bool counted = lists.contains("r") || lists.contains("threshold");
  if (!counted && parse_speedups(flags).empty()) lists["r"] = "0,4,8,12,16";
  std::vector<Setting> settings = combinations(lists, along(lists));
  if (!flags.config.empty()) {
    settings.push_back(setting_of(read_merge_config(flags.config)));
    settings.back().file = std::filesystem::path(flags.config).filename();
  }
  return settings;
}

// Of each combination a run for each of --speedup, where that is typed; the file's stay as they
// are.
std::vector<Setting> at_speedups(const std::vector<Setting>& settings, const MergeFlags& flags,
                                 const SpeedupOf& of) {
  const std::vector<double> speedups = parse_speedups(flags);
  if (speedups.empty()) return settings;
  std::vector<Setting> reaching;
  for (const Setting& setting : settings) {
    if (!setting.file.empty()) {
      reaching.push_back(setting);
      continue;
    }
    check_fits(setting.merge, of.architecture);
    for (const double speedup : speedups) {
      reaching.push_back(setting_of(at_speedup(setting.typed, speedup, of)));
    }
  }
  return reaching;
}

// Schedules at random, with what the first combination says of the rest.
void add_random(const Flags& flags, const Architecture& a, const Grid& size,
                std::vector<Setting>& settings) {
  const int count = parse_whole("--random-schedules", flags.random, 0, 10'000);
  if (count == 0) return;
  MergeTexts typed = settings.front().typed;
  if (typed.contains("threshold")) {
    fail("--random-schedules {}: does not go with --threshold", count);
  }
  for (const char* option : {"r", "inflect"}) typed.erase(option);
  // No more on average than leaves some tokens for the last layer.
  const int patches = static_cast<int>(a.patches_of(size).size());
  const std::vector<Setting> random =
      random_settings(typed, count, a.depth, std::max(1, patches / a.depth));
  settings.insert(settings.end(), random.begin(), random.end());
}

bool merges(const MergeOptions& merge, const Architecture& a, const Grid& size) {
  // With a threshold how many merge depends on the picture, but none do where r is 0.
  if (merge.threshold) {
    const std::vector<Amount> r = layer_schedule(merge, a.depth);
    return std::any_of(r.begin(), r.end(), [](const Amount& some) { return some.takes_any(); });
  }
  return cost(a, size, merge).tokens_per_layer != cost(a, size).tokens_per_layer;
}

// Without those that merge nothing: they are the dense model, which is always there.
std::vector<Setting> merging(std::vector<Setting> settings, const Architecture& a,
                             const Grid& size) {
  std::erase_if(settings, [&](const Setting& setting) {
    check_fits(setting.merge, a);
    return !merges(setting.merge, a, size);
  });
  return settings;
}

// Runs the settings over batches as they come: the first ones are kept and timed.
class Measurement {
 public:
  Measurement(Comparison& comparison, int passes, const Interrupt& interrupt, Progress& progress)
      : comparison_(comparison), passes_(passes), interrupt_(interrupt), progress_(progress) {}

  // Whether to go on.
  bool take(const Array& images) {
    if (kept_images_ < kTimedPictures) {
      kept_.push_back(images);
      kept_images_ += static_cast<size_t>(images.shape[0]);
      if (kept_images_ >= kTimedPictures) finish();
    } else {
      comparison_.add(images, false);
      advance(images);
    }
    return !interrupt_.happened();
  }

  // Times what was kept, if that is still to be done.
  void finish() {
    for (int pass = 0; pass < passes_; ++pass) {
      for (size_t batch = 0; batch < kept_.size() && !interrupt_.happened(); ++batch) {
        if (pass == 0) {
          comparison_.add(kept_[batch], true);
        } else {
          comparison_.time_again(kept_[batch], batch);
        }
        advance(kept_[batch]);
      }
    }
    kept_.clear();
  }

 private:
  void advance(const Array& images) {
    progress_.advance(static_cast<size_t>(images.shape[0]) * comparison_.size());
  }

  Comparison& comparison_;
  int passes_;
  const Interrupt& interrupt_;
  Progress& progress_;
  std::vector<Array> kept_;
  size_t kept_images_ = 0;
};

// Returns the exit status.
int measure(const Model& model, const Pictures& pictures, const InputSpec& input, int passes,
            const Interrupt& interrupt, Comparison& comparison) {
  const size_t timed = std::min(pictures.paths.size(), kTimedPictures);
  const size_t runs = pictures.paths.size() + timed * static_cast<size_t>(passes - 1);
  Progress progress(runs * comparison.size());
  Measurement measurement(comparison, passes, interrupt, progress);
  const int status =
      read_files(pictures, input, model.threads(), progress,
                 [&](const InputBatch& batch) { return measurement.take(batch.inputs); });
  measurement.finish();
  progress.clear();
  if (!interrupt.happened()) return status;
  if (comparison.score(0).fidelity.images == 0) fail("interrupted before anything was measured");
  complain(fmt::format("interrupted: what is written covers {} of {} {}",
                       comparison.score(0).fidelity.images, pictures.paths.size(),
                       many_of(input.medium)));
  return kSomeSkipped;
}

void write_files(const Flags& flags, Medium medium, const std::vector<SweepRow>& rows) {
  Replacement table(flags.output, [&](std::ostream& out) { out << sweep_csv(rows); });
  const std::string plot = plot_path(flags);
  if (plot.empty()) return table.take_place();
  Replacement drawing(plot, [&](std::ostream& out) {
    out << sweep_plot(flags.model, medium, along(flags.merge.typed), rows);
  });
  Replacement::take_places({&table, &drawing});
}

int sweep(const Flags& flags) {
  std::vector<Setting> settings = asked_for(flags.merge);
  const int passes = parse_whole("--passes", flags.passes, 1, 1000);
  const LoadOptions load = load_options(flags.run);
  check_outputs(flags);
  const Pictures pictures =
      find_pictures(flags.pictures, Processes::alone(), medium_of(flags.model, load));
  const Model model = open_model(flags.model, load, {});
  const Architecture& a = model.architecture();
  const InputSpec input = single_input_of(flags.model, model);
  settings = at_speedups(settings, flags.merge, {flags.model, a, input.size()});
  add_random(flags, a, input.size(), settings);
  settings = merging(std::move(settings), a, input.size());
  std::vector<MergeOptions> merges;
  for (const Setting& setting : settings) merges.push_back(setting.merge);
  const Interrupt interrupt;
  Comparison comparison(model, merges, [&] { return interrupt.happened(); });
  const int status = measure(model, pictures, input, passes, interrupt, comparison);
  const std::vector<SweepRow> rows = sweep_rows(model, settings, comparison);
  write_files(flags, a.medium, rows);
  return status;
}

}  // namespace

void add_sweep(Command& program, int& status) {
  Command* command = program.add_subcommand(
      "sweep", "Measure what settings of merging keep, and how fast they are");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  add_picture_flags(*command, flags->pictures, "FOLDER");
  command
      ->add_option("-o,--output", flags->output,
                   "File to write: .csv, a row for the dense model and one for every\n"
                   "combination of the options below")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--plot", flags->plot,
                   "File to draw the rows into (default: the table's name with .svg)")
      ->type_name("FILE.svg");
  command
      ->add_option("--passes", flags->passes,
                   "Runs of the first 32 pictures, of which the fastest counts\n"
                   "(default 3)")
      ->type_name("N");
  command
      ->add_option("--random-schedules", flags->random,
                   "As many more runs, each with another r for every layer drawn at\n"
                   "random: the cloud in the plot (default 0)")
      ->type_name("N");
  command
      ->add_option_function(
          "--r", [flags](const std::string& text) { flags->merge.typed["r"] = text; },
          "Tokens to merge away in each layer, or shares of them (8%;\n"
          "default 0,4,8,12,16; with --threshold as many as it says). Of\n"
          "this and of all below:\n"
          "commas separate runs; the file of --merge-config is one more run,\n"
          "beside them")
      ->type_name("N,...")
      ->group("Token merging");
  command
      ->add_option("--speedup", flags->merge.speedup,
                   "Instead of --r: runs with the least r that costs so many times\n"
                   "fewer GFLOPs than dense; or, where fovea tune has written\n"
                   "fovea.json beside the model, the least multiple of its schedule")
      ->type_name("X,...")
      ->group("Token merging");
  add_run_flags(*command, flags->run);
  add_merge_flags(*command, flags->merge, {.r = true, .speedup = true});
  command->footer(
      "Columns: the options (empty: the default), images, fidelity (mean cosine of the features "
      "to\n"
      "the dense model's), agreement (of the likeliest class with the dense model's),\n"
      "images_per_second, gflops_per_image, speedup. Of each video the clip in the middle is "
      "taken,\n"
      "of each sound the beginning.\n\n"
      "Example: keys against inputs, constant and decreasing schedules:\n"
      "  fovea sweep dinov2_small/ photos/ --r 4,8,12,16 --metric k,x --inflect 0,-1 -o sweep.csv");
  command->callback([flags, &status] { status = sweep(*flags); });
}

}  // namespace fovea::cli
