// fovea tune: finds the schedule of merging that keeps most of a model's answers at a given speed.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <random>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/input_flags.h"
#include "fovea/cli/interrupt.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/progress.h"
#include "fovea/cli/speedup.h"
#include "fovea/data/folder.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/model/course.h"
#include "fovea/study/judge.h"
#include "fovea/study/tune.h"
#include "fovea/tokens/options_json.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, output;
  std::string speedup, fidelity;
  std::string judge;
  std::string seconds = "90";
  std::string count = "80";
  PictureFlags pictures;
  bool json = false;
  MergeFlags merge;
  RunFlags run;
};

// All that is said about merging but the schedule.
MergeTexts fixed_options(const Flags& flags) {
  for (const char* option : {"inflect", "threshold"}) {
    const auto typed = flags.merge.typed.find(option);
    if (typed == flags.merge.typed.end()) continue;
    fail("--{} {}: does not go with tune, which finds the number of every layer", option,
         printable(typed->second));
  }
  MergeTexts texts = layered(flags.merge);
  for (const char* option : {"r", "inflect", "threshold"}) texts.erase(option);
  if (merge_options(texts).matching == Matching::kth) {
    fail("--matching kth: does not go with tune, because it merges the same whatever r is");
  }
  return texts;
}

TuneOptions tune_options(const Flags& flags, const MergeTexts& fixed) {
  TuneOptions options;
  if (!flags.speedup.empty() && !flags.fidelity.empty()) {
    fail("--fidelity {}: does not go with --speedup; expected one of them",
         printable(flags.fidelity));
  }
  if (!flags.speedup.empty()) {
    options.speedup = parse_number("--speedup", flags.speedup, 1.01, 100);
  }
  if (!flags.fidelity.empty()) {
    options.fidelity = parse_number("--fidelity", flags.fidelity, 0, 0.999999);
  }
  options.seconds = parse_whole("--seconds", flags.seconds, 1, 1'000'000);
  options.thresholds = !fixed.contains("matching");
  return options;
}

std::string output_path(const Flags& flags) {
  if (!flags.output.empty()) return flags.output;
  if (is_named(flags.model)) fail("{}: has no folder to write to; expected --output", flags.model);
  return tuned_config_of(flags.model);
}

// Ways to merge that keep to what is typed: that, and it with other options that are not.
std::vector<MergeTexts> ways_to_merge(const MergeTexts& fixed, const Architecture& a) {
  const std::vector<MergeTexts> others = {{{"method", "foveal"}},
                                          {{"method", "foveal"}, {"foveal-rounds", "1"}},
                                          {{"score", "salience"}},
                                          {{"metric", "k_concat"}},
                                          {{"metric", "k_concat"}, {"score", "salience"}},
                                          {{"partition", "random"}},
                                          {{"metric", "q"}},
                                          {{"metric", "v"}},
                                          {{"metric", "x"}}};
  std::vector<MergeTexts> ways = {fixed};
  for (const MergeTexts& other : others) {
    const bool is_typed = std::any_of(other.begin(), other.end(), [&](const auto& option) {
      return fixed.contains(option.first);
    });
    if (is_typed) continue;
    MergeTexts way = other;
    way.insert(fixed.begin(), fixed.end());
    // Not all tokens of a big.LITTLE ViT have queries.
    if (a.routing && other.contains("metric") && other.at("metric") == "q") continue;
    try {
      course_of(a, merge_options(way));
    } catch (const Error&) {
      continue;  // the model can't merge so, or not so beside what is typed
    }
    ways.push_back(std::move(way));
  }
  return ways;
}

// Some of the pictures, in an order that has nothing to do with their names.
void choose_some(size_t count, Pictures& pictures) {
  std::mt19937 generator(0);
  std::shuffle(pictures.paths.begin(), pictures.paths.end(), generator);
  pictures.paths.resize(std::min(pictures.paths.size(), count));
  // At least four batches, or the halves would be of unequal size.
  const int most = std::max(1, static_cast<int>(pictures.paths.size() / 4));
  pictures.batch = std::min(pictures.batch, most);
}

struct Halves {
  Batches search;
  Batches held_out;
  int status = kDone;
};

// all: into `search`; `held_out` then is for others.
Halves read_halves(const Flags& flags, const Model& model, const Pictures& pictures, bool all) {
  Halves halves;
  Progress progress(pictures.paths.size());
  halves.status =
      read_files(pictures, single_input_of(flags.model, model), model.threads(), progress,
                 [&](const InputBatch& batch) {
                   const bool searching = all || halves.search.size() <= halves.held_out.size();
                   (searching ? halves.search : halves.held_out).push_back(batch.inputs);
                   progress.advance(batch.files());
                   return true;
                 });
  if (!all && halves.held_out.empty()) {
    fail("only one {} could be read; expected two at least: one to search with, one to judge",
         one_of(pictures.medium));
  }
  return halves;
}

// Pictures to search with and pictures to judge on: other ones with --judge, else halves.
Halves read_all(const Flags& flags, const Model& model, const Pictures& pictures) {
  Halves halves = read_halves(flags, model, pictures, !flags.judge.empty());
  if (flags.judge.empty()) return halves;
  PictureFlags judging = flags.pictures;
  judging.paths = {flags.judge};
  Pictures others = find_pictures(judging, Processes::alone(), pictures.medium);
  others.batch = pictures.batch;
  Halves judged = read_halves(flags, model, others, true);
  halves.held_out = std::move(judged.search);
  halves.status = std::max(halves.status, judged.status);
  return halves;
}

// The way of a row, as it is typed: "foveal", "k_concat, salience".
std::string describe_way(const MergeOptions& merge) {
  if (merge.method == Method::foveal) {
    return merge.foveal.rounds == FovealOptions().rounds
               ? "foveal"
               : fmt::format("foveal, rounds {}", merge.foveal.rounds);
  }
  std::string text = to_string(merge.metric);
  if (merge.score == Scoring::salience) text += ", salience";
  if (merge.partition == Partitioning::random) text += ", random";
  if (merge.threshold) text += fmt::format(", threshold {:g}", *merge.threshold);
  return text;
}

nlohmann::ordered_json as_json(const JudgedSchedule& row, const JudgedSchedule& tuned) {
  nlohmann::ordered_json r = nlohmann::json::array();
  for (const Amount& amount : row.merge.schedule.per_layer) r.push_back(amount.count());
  if (r.empty()) r = row.merge.schedule.r.count();
  const Fidelity& fidelity = row.score.fidelity;
  const Estimate less = difference(fidelity, tuned.score.fidelity);
  return {{"schedule", row.name},
          {"at", row.at},
          {"r", r},
          {"inflect", row.merge.schedule.inflect.value_or(0)},
          {"method", to_string(row.merge.method)},
          {"metric", to_string(row.merge.metric)},
          {"way", describe_way(row.merge)},
          {"fidelity", fidelity.mean()},
          {"fidelity_error", estimate(fidelity.cosines).error},
          {"over_tuned", less.mean},
          {"over_tuned_error", less.error},
          {"gflops_per_image", row.score.gflops_per_image()},
          {"speedup", row.speedup}};
}

void print_rows(const std::vector<JudgedSchedule>& rows, bool json) {
  if (!json) {
    print(fmt::format("{:<10} {:<9} {:>8} {:>8} {:>9} {:>9}  {:<18} r\n", "schedule", "equal in",
                      "fidelity", "st.error", "speed-up", "GFLOPs", "way"));
  }
  for (const JudgedSchedule& row : rows) {
    if (json) {
      print_json_line(as_json(row, rows.back()));
      continue;
    }
    print(fmt::format("{:<10} {:<9} {:>8.5f} {:>8.5f} {:>9.2f} {:>9.3f}  {:<18} {}\n", row.name,
                      row.at, row.score.fidelity.mean(), estimate(row.score.fidelity.cosines).error,
                      row.speedup, row.score.gflops_per_image(), describe_way(row.merge),
                      to_string(row.merge.schedule)));
  }
}

// What the search was good for, in a line.
void print_verdict(const std::vector<JudgedSchedule>& rows, Medium medium) {
  const JudgedSchedule& constant = rows[2];  // the one that is about as fast
  const JudgedSchedule& tuned = rows.back();
  const Estimate gain = difference(tuned.score.fidelity, constant.score.fidelity);
  print(fmt::format(
      "on {} {} that the search did not see: fidelity {:.5f} at {:.2f} times the speed,\n"
      "{:.5f} (standard error {:.5f}) {} than that of the constant schedule r {} at {:.2f} times\n",
      tuned.score.fidelity.images, many_of(medium), tuned.score.fidelity.mean(), tuned.speedup,
      std::abs(gain.mean), gain.error, gain.mean >= 0 ? "more" : "less",
      to_string(constant.merge.schedule), constant.speedup));
}

int tune(const Flags& flags) {
  MergeTexts texts = fixed_options(flags);
  TuneOptions options = tune_options(flags, texts);
  const size_t count = static_cast<size_t>(parse_whole("--pictures", flags.count, 2, 100'000));
  const LoadOptions load = load_options(flags.run);
  const std::string output = output_path(flags);
  check_can_write(output, flags.model);
  Pictures pictures =
      find_pictures(flags.pictures, Processes::alone(), medium_of(flags.model, load));
  const MergeOptions plain = merge_options(texts);
  const Model model = open_model(flags.model, load, {.merge = plain});
  const std::vector<MergeTexts> ways = ways_to_merge(texts, model.architecture());
  options.ways.clear();
  for (const MergeTexts& way : ways) options.ways.push_back(merge_options(way));
  choose_some(count, pictures);
  const Halves halves = read_all(flags, model, pictures);
  const Interrupt interrupt;
  options.stopped = [&] { return interrupt.happened(); };
  options.tell = note;
  const Tuned tuned = fovea::tune(model, halves.search, options);
  if (interrupt.happened()) complain("interrupted: goes on with the best found so far");
  const std::vector<JudgedSchedule> rows = judge(model, halves.held_out, tuned.merge, plain);
  print_rows(rows, flags.json);
  if (!flags.json) print_verdict(rows, pictures.medium);
  const double kept = rows.back().score.fidelity.mean();
  if (options.fidelity && kept < *options.fidelity) {
    note(fmt::format("--fidelity {}: held on the {} of the search, but others keep {:.5f}",
                     *options.fidelity, many_of(pictures.medium), kept));
  }
  texts = ways[tuned.way];
  texts["r"] = to_string(tuned.merge.schedule);
  if (tuned.merge.threshold) texts["threshold"] = fmt::format("{:g}", *tuned.merge.threshold);
  write_atomically(output, [&](std::ostream& out) { out << merge_config_text(texts); });
  return interrupt.happened() ? kSomeSkipped : halves.status;
}

void add_goal_options(Command& command, const std::shared_ptr<Flags>& flags) {
  command
      .add_option("--speedup", flags->speedup,
                  "How many times faster than the dense model it shall be, measured\n"
                  "here (default 2)")
      ->type_name("X");
  command
      .add_option("--fidelity", flags->fidelity,
                  "Instead: as fast as keeps this mean cosine of the features to\n"
                  "the dense model's")
      ->type_name("X");
  command
      .add_option("--seconds", flags->seconds,
                  "Time to search; reading pictures and judging come on top\n"
                  "(default 90)")
      ->type_name("N");
  command
      .add_option("--pictures", flags->count,
                  "How many of the pictures to use, chosen at random and kept in\n"
                  "memory: half to search, half to judge (default 80)")
      ->type_name("N");
  command
      .add_option("--judge", flags->judge,
                  "Judge on all pictures of this folder, and search with all that\n"
                  "--pictures lets in of the others")
      ->type_name("FOLDER");
}

}  // namespace

void add_tune(Command& program, int& status) {
  Command* command =
      program.add_subcommand("tune", "Find the schedule of merging that keeps most at a speed");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  add_picture_flags(*command, flags->pictures, "FOLDER");
  command
      ->add_option("-o,--output", flags->output,
                   "File to write, for --merge-config (default: fovea.json beside the\n"
                   "model)")
      ->type_name("FILE");
  add_goal_options(*command, flags);
  command->add_flag("--json", flags->json,
                    "Print one JSON object a line: schedule, at, r, inflect, method,\n"
                    "metric, way, fidelity, fidelity_error, over_tuned,\n"
                    "over_tuned_error, gflops_per_image, speedup");
  add_run_flags(*command, flags->run);
  add_merge_flags(*command, flags->merge, {.r = true, .speedup = true});
  command->footer(
      "The files need no labels; of each video the clip in the middle is taken, of each sound the\n"
      "beginning. The schedule is made for the features that the model's head\n"
      "sees; --method, --metric, --score, --partition and --threshold, if not given, are chosen as "
      "well.\n\n"
      "Example: twice as fast, and then used:\n"
      "  fovea tune dinov2_small/ photos/ --speedup 2 -o merge.json\n"
      "  fovea embed dinov2_small/ photos/ --merge-config merge.json -o features.npy");
  command->callback([flags, &status] { status = tune(*flags); });
}

}  // namespace fovea::cli
