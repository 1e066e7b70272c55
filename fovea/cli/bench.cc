// fovea bench: images per second and memory, each row in a process of its own.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <system_error>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/options.h"
#include "fovea/cli/profile.h"
#include "fovea/cli/speedup.h"
#include "fovea/io/fail.h"
#include "fovea/model/cost.h"
#include "fovea/model/course.h"
#include "fovea/model/location.h"
#include "fovea/model/stored.h"
#include "fovea/tokens/options_json.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, size, keep_ratio;
  std::string batch = "1,8";
  std::string reps;  // empty: as many as fill a few seconds
  bool lists = false;
  bool json = false;
  bool profile = false;
  MergeFlags merge;
  RunFlags run;
};

struct Row {
  // What is merged, if more than the flags say; its r is one amount, or a list with one for every
  // layer, or not there where only the threshold says.
  MergeTexts merge;
  int batch;

  std::string r() const {
    const auto text = merge.find("r");
    return text == merge.end() ? "" : text->second;
  }
};

// What a measuring process sends back. Plain data: it goes through a pipe, in one piece.
struct Measured {
  int threads;
  double gflops_per_image;
  double gflops_computed;  // of these, as no tokens are asked for
  double seconds;          // of the fastest run of the whole batch
  double peak_mb;          // filled in by the parent
  ProfiledRun profiled;    // only where asked for
  char error[512];         // empty where all went well
};

Array random_inputs(const Architecture& a, int batch, const Grid& size) {
  Array images(input_shape(a, batch, size));
  std::mt19937 generator(0);
  std::normal_distribution<float> distribution;
  for (float& value : images.data) value = distribution(generator);
  return images;
}

double run_once(const Model& model, const Array& images, const RunOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  model.run(images, options);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The fastest of `reps` runs, or, where that is 0, of at least 10 that fill at least 3 seconds.
double fastest_run(const Model& model, const Array& images, const RunOptions& options, int reps) {
  double fastest = run_once(model, images, options);
  double total = fastest;
  const auto enough = [&](int runs) { return reps > 0 ? runs >= reps : runs >= 10 && total >= 3; };
  for (int runs = 1; !enough(runs); ++runs) {
    const double seconds = run_once(model, images, options);
    fastest = std::min(fastest, seconds);
    total += seconds;
  }
  return fastest;
}

int reps_of(const Flags& flags) {
  return flags.reps.empty() ? 0 : parse_whole("--reps", flags.reps, 1, 1'000'000);
}

Measured measure(const Flags& flags, const Row& row, bool is_first) {
  const Model model = load_model(flags.model, load_options(flags.run));
  if (is_first) print_notes(model);
  const RunOptions options = run_options(merge_options(row.merge), flags.keep_ratio);
  const Architecture& a = model.architecture();
  const Course course = course_of(a, options.merge, options.keep_ratio);
  Course pooled = course;  // as no tokens are asked for
  read_pooled_alone(a, pooled);
  const Grid size = input_size(flags.size, a);
  Measured measured = {};
  measured.threads = model.threads();
  const Array images = random_inputs(a, row.batch, size);
  const Result result = model.run(images, options);  // warms caches and arenas too
  measured.gflops_per_image = batch_gflops(a, size, course, result.layer_tokens) / row.batch;
  measured.gflops_computed = batch_gflops(a, size, pooled, result.layer_tokens) / row.batch;
  measured.seconds = fastest_run(model, images, options, reps_of(flags));
  if (flags.profile) {
    measured.profiled = profile_run(model, images, options, load_options(flags.run).dtype);
  }
  return measured;
}

// What a row merges, short enough for the table.
std::string r_text(const Row& row) {
  const std::string r = row.r();
  if (r.empty()) return "-";
  return r.find(',') == std::string::npos ? r : "list";
}

std::string describe(const Flags& flags, const Row& row) {
  return fmt::format("{} with r {} and batch {}", flags.model, r_text(row), row.batch);
}

// The measuring process: never returns.
[[noreturn]] void measure_into(int pipe, const Flags& flags, const Row& row, bool is_first) {
  Measured measured = {};
  std::string error;
  try {
    measured = measure(flags, row, is_first);
  } catch (const std::bad_alloc&) {
    error = describe(flags, row) + ": not enough memory";
  } catch (const std::exception& thrown) {
    error = thrown.what();
  }
  error.copy(measured.error, sizeof(measured.error) - 1);
  const bool sent = ::write(pipe, &measured, sizeof(measured)) == sizeof(measured);
  ::_exit(sent ? kDone : kRefused);
}

[[noreturn]] void fail_to_start(const char* what) {
  fail("bench: cannot start a {}: {}", what, std::generic_category().message(errno));
}

// Measures a row in a process of its own, so that its memory is its own. No thread may run here
// yet: a forked process has only the one that forked.
Measured measure_apart(const Flags& flags, const Row& row, bool is_first) {
  int ends[2];
  if (::pipe(ends) != 0) fail_to_start("pipe");
  flush_output();  // or both processes would print what waits
  const pid_t child = ::fork();
  if (child < 0) fail_to_start("process");
  if (child == 0) measure_into(ends[1], flags, row, is_first);
  ::close(ends[1]);
  Measured measured = {};
  const bool received = ::read(ends[0], &measured, sizeof(measured)) == sizeof(measured);
  ::close(ends[0]);
  int status = 0;
  rusage usage = {};
  ::wait4(child, &status, 0, &usage);
  if (WIFSIGNALED(status)) {
    fail("{}: the measuring process was ended by signal {}, perhaps for want of memory",
         describe(flags, row), WTERMSIG(status));
  }
  if (!received) fail("{}: the measuring process sent nothing", describe(flags, row));
  if (measured.error[0] != '\0') throw Error(measured.error);
  measured.peak_mb = static_cast<double>(usage.ru_maxrss) / 1024;
  return measured;
}

void print_as_json(const Flags& flags, const Row& row, const Measured& m) {
  const double images = row.batch / m.seconds;
  // Null where only the threshold says.
  nlohmann::ordered_json r;
  if (!row.r().empty()) r = schedule_as_json(parse_schedule(row.r()));
  nlohmann::ordered_json line = {{"model", flags.model},
                                 {"r", r},
                                 {"batch", row.batch},
                                 {"dtype", flags.run.dtype},
                                 {"threads", m.threads},
                                 {"gflops_per_image", m.gflops_per_image},
                                 {"gflops_computed", m.gflops_computed},
                                 {"images_per_second", images},
                                 {"gflops_per_second", images * m.gflops_per_image},
                                 {"peak_rss_mb", m.peak_mb}};
  if (flags.profile) line["profile"] = profile_as_json(m.profiled);
  print_json_line(line);
}

void print_header() {
  print(fmt::format("{:>5} {:>6} {:>8} {:>13} {:>9} {:>11} {:>9} {:>9} {:>9}\n", "batch", "r",
                    "threads", "GFLOPs/image", "computed", "images/s", "GFLOP/s", "peak MB",
                    "speed-up"));
}

void print_as_text(const Row& row, const Measured& m, double speed_up) {
  const double images = row.batch / m.seconds;
  print(fmt::format("{:>5} {:>6} {:>8} {:>13.3f} {:>9.3f} {:>11.2f} {:>9.1f} {:>9.0f} {:>9.2f}\n",
                    row.batch, r_text(row), m.threads, m.gflops_per_image, m.gflops_computed,
                    images, images * m.gflops_per_image, m.peak_mb, speed_up));
}

// Whether MODEL is a big.LITTLE ViT, told without loading it.
bool is_routed(const std::string& model) {
  if (is_named(model)) return named_architecture(model).routing.has_value();
  const std::filesystem::path path = split_delta(model).base;
  return !read_config(std::filesystem::is_directory(path) ? path : path.parent_path())
              .predict_after.empty();
}

// The model's depth is not known yet: a list of its own length will do.
void refuse_merging(const MergeOptions& merge) {
  Architecture a;
  a.depth = std::max(1, static_cast<int>(merge.schedule.per_layer.size()));
  a.class_token = true;
  a.routing.emplace();
  course_of(a, merge);
}

// MODEL, told without loading its weights.
Architecture look_at(const Flags& flags) {
  return is_named(flags.model)
             ? named_model(flags.model, parse_heads(flags.run.heads), flags.run.key)
             : open_stored(flags.model, parse_heads(flags.run.heads), flags.run.key).architecture;
}

// The dense model and what each of --speedup comes to.
std::vector<MergeTexts> speedups_of(const Flags& flags, const std::vector<double>& speedups) {
  const Architecture a = look_at(flags);
  const SpeedupOf of = {flags.model, a, input_size(flags.size, a),
                        run_options({}, flags.keep_ratio).keep_ratio};
  const MergeTexts texts = layered(flags.merge);
  check_fits(merge_options(texts), a);
  std::vector<MergeTexts> merges = {{{"r", "0"}}};
  for (const double speedup : speedups) merges.push_back(at_speedup(texts, speedup, of));
  return merges;
}

// What to run of --r; where only a file says it, that is one run.
std::vector<std::string> r_of(const Flags& flags) {
  const MergeTexts texts = layered(flags.merge);
  const auto r = texts.find("r");
  if (r == texts.end() && is_routed(flags.model)) return {"0"};
  if (r == texts.end()) return {"0", texts.contains("threshold") ? "" : "13"};
  if (!flags.merge.typed.contains("r")) return {r->second};
  std::vector<std::string> list = split(r->second);
  for (const std::string& part : list) parse_schedule(part);
  return list;
}

// What to run, of --r or --speedup.
std::vector<MergeTexts> merges_of(const Flags& flags) {
  const std::vector<double> speedups = parse_speedups(flags.merge);
  if (!speedups.empty()) return speedups_of(flags, speedups);
  std::vector<MergeTexts> merges;
  for (const std::string& r : r_of(flags)) {
    merges.push_back(layered(flags.merge));
    if (!r.empty()) merges.back()["r"] = r;
  }
  return merges;
}

// Every r of a batch, then the next batch.
std::vector<Row> rows_of(const Flags& flags) {
  std::vector<Row> rows;
  const bool routed = is_routed(flags.model);
  const std::vector<MergeTexts> merges = merges_of(flags);
  for (const std::string& batch : split(flags.batch)) {
    for (const MergeTexts& merge : merges) {
      rows.push_back({merge, parse_whole("--batch", batch, 1, 4096)});
      const MergeOptions options = merge_options(merge);
      if (routed) refuse_merging(options);
    }
  }
  return rows;
}

// The names that MODEL, a pattern here, is of.
int list(const std::string& pattern) {
  const std::vector<std::string> names = named_architectures(pattern);
  if (names.empty()) {
    fail("--list {}: no named architecture is called so; expected a part of a name, or wildcards",
         printable(pattern));
  }
  for (const std::string& name : names) print(name + "\n");
  return kDone;
}

int bench(const Flags& flags) {
  if (flags.lists) return list(flags.model);
  if (flags.model.empty()) fail("MODEL is required (fovea bench --help says more)");
  // Whatever can be wrong with the options is found before anything is measured.
  const std::vector<Row> rows = rows_of(flags);
  load_options(flags.run);
  run_options({}, flags.keep_ratio);
  reps_of(flags);
  if (is_named(flags.model)) input_size(flags.size, named_architecture(flags.model));
  double seconds_of_first_r = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Measured measured = measure_apart(flags, rows[i], i == 0);
    if (i == 0 || rows[i].batch != rows[i - 1].batch) seconds_of_first_r = measured.seconds;
    if (flags.json) {
      print_as_json(flags, rows[i], measured);
    } else {
      if (i == 0) print_header();
      print_as_text(rows[i], measured, seconds_of_first_r / measured.seconds);
      if (flags.profile) print_profile(measured.profiled);
    }
    flush_output();
  }
  return kDone;
}

}  // namespace

void add_bench(Command& program, int& status) {
  Command* command = program.add_subcommand("bench", "Measure images per second and memory");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model, /*is_required=*/false);
  command->add_flag("--list", flags->lists,
                    "Print names of architectures instead: all, or those that a\n"
                    "pattern in the place of MODEL matches (a part of the name, or\n"
                    "wildcards: 'vit_*dinov2*')");
  command
      ->add_option_function(
          "--r", [flags](const std::string& text) { flags->merge.typed["r"] = text; },
          "Tokens to merge away in each layer, or shares of them (8%);\n"
          "commas separate runs\n"
          "(default 0,13; with --threshold 0 and without a limit; of a\n"
          "big.LITTLE model 0)")
      ->type_name("N,...");
  command
      ->add_option("--speedup", flags->merge.speedup,
                   "Instead of --r: the dense model, and then runs with the least r\n"
                   "that costs so many times fewer GFLOPs; or, where fovea tune has\n"
                   "written fovea.json beside the model, the least multiple of its\n"
                   "schedule")
      ->type_name("X,...");
  command
      ->add_option("--batch", flags->batch,
                   "Images to compute at once; commas separate runs (default 1,8)")
      ->type_name("N,...");
  add_size(*command, flags->size);
  command
      ->add_option("--reps", flags->reps,
                   "Runs of which the fastest counts (default: at least 10, and as\n"
                   "many as take 3 seconds)")
      ->type_name("N");
  command->add_flag("--json", flags->json,
                    "Print one JSON object a line: model, r, batch, dtype, threads,\n"
                    "gflops_per_image (of all tokens), gflops_computed (where the\n"
                    "class token is all that is read, its last layer alone),\n"
                    "images_per_second, gflops_per_second, peak_rss_mb");
  command->add_flag("--profile", flags->profile,
                    "Show under each row where the time goes, and which share of the\n"
                    "processor's peak the matrix products reach");
  add_run_flags(*command, flags->run);
  add_keep_ratio(*command, flags->keep_ratio);
  add_merge_flags(*command, flags->merge, {.r = true, .speedup = true});
  command->footer(
      "Example: a small model, one image and eight at once, with and without merging:\n"
      "  fovea bench vit_small_patch16_224 --r 0,8,13 --batch 1,8\n"
      "Which architectures of SigLIP are known by name?\n"
      "  fovea bench --list siglip");
  command->callback([flags, &status] { status = bench(*flags); });
}

}  // namespace fovea::cli
