// fovea bench: images per second and memory, each row in a process of its own.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>

#include "fovea/cli/commands.h"
#include "fovea/cli/options.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, size;
  std::string r = "0,13";
  std::string batch = "1,8";
  std::string seconds = "2";
  bool json = false;
  MergeFlags merge;
  RunFlags run;
};

struct Row {
  std::string r;
  int batch;
};

// What a measuring process sends back. Plain data: it goes through a pipe.
struct Measured {
  int threads;
  double gflops_per_image;
  double seconds;  // of the fastest run of the whole batch
  char error[512];
};

Array random_images(int batch, std::array<int, 2> size) {
  Array images({batch, 3, size[0], size[1]});
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

Measured measure(const Flags& flags, const Row& row) {
  const LoadOptions load = load_options(flags.run);
  const Model model =
      is_named(flags.model) ? Model::random(flags.model, 0, load) : Model::load(flags.model, load);
  MergeFlags merge = flags.merge;
  merge.r = row.r;
  const RunOptions options{.merge = merge_options(merge), .want_tokens = false};
  const Architecture& a = model.architecture();
  const std::array<int, 2> size =
      flags.size.empty() ? made_for(a) : parse_size("--size", flags.size);
  const Array images = random_images(row.batch, size);
  run_once(model, images, options);  // warms caches and arenas
  Measured measured = {};
  measured.threads = model.threads();
  measured.gflops_per_image =
      cost(a, size[0], size[1], layer_schedule(options.merge.schedule, a.depth)).gflops;
  measured.seconds = run_once(model, images, options);
  const int wanted = parse_whole("--seconds", flags.seconds, 0, 3600);
  constexpr int kLeastRuns = 5;
  double total = measured.seconds;
  for (int runs = 1; runs < kLeastRuns || total < wanted; ++runs) {
    const double seconds = run_once(model, images, options);
    measured.seconds = std::min(measured.seconds, seconds);
    total += seconds;
  }
  return measured;
}

// The measuring process: never returns.
[[noreturn]] void measure_into(int pipe, const Flags& flags, const Row& row) {
  Measured measured = {};
  try {
    measured = measure(flags, row);
  } catch (const std::bad_alloc&) {
    std::strncpy(measured.error, "not enough memory", sizeof(measured.error) - 1);
  } catch (const std::exception& error) {
    std::strncpy(measured.error, error.what(), sizeof(measured.error) - 1);
  }
  const bool sent = ::write(pipe, &measured, sizeof(measured)) == sizeof(measured);
  ::_exit(sent ? 0 : 1);
}

// Measures a row in a process of its own, so that its memory is its own; `peak_mb` receives the
// most it held.
Measured measure_apart(const Flags& flags, const Row& row, double& peak_mb) {
  int ends[2];
  if (::pipe(ends) != 0) fail("bench: no pipe: {}", std::strerror(errno));
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) fail("bench: no process: {}", std::strerror(errno));
  if (child == 0) measure_into(ends[1], flags, row);
  ::close(ends[1]);
  Measured measured = {};
  const bool received = ::read(ends[0], &measured, sizeof(measured)) == sizeof(measured);
  ::close(ends[0]);
  int status = 0;
  rusage usage = {};
  ::wait4(child, &status, 0, &usage);
  const std::string what = fmt::format("{} with r {}, batch {}", flags.model, row.r, row.batch);
  if (WIFSIGNALED(status))
    fail("bench: {}: ended by signal {}, perhaps for want of memory", what, WTERMSIG(status));
  if (!received) fail("bench: {}: the measuring process sent nothing", what);
  if (measured.error[0] != '\0') throw Error(measured.error);
  peak_mb = static_cast<double>(usage.ru_maxrss) / 1024;
  return measured;
}

void print_json(const Flags& flags, const Row& row, const Measured& m, double peak_mb) {
  const double images = row.batch / m.seconds;
  const nlohmann::ordered_json line = {
      {"model", flags.model},        {"r", std::stoi(row.r)},
      {"batch", row.batch},          {"dtype", flags.run.dtype},
      {"threads", m.threads},        {"gflops_per_image", m.gflops_per_image},
      {"images_per_second", images}, {"gflops_per_second", images * m.gflops_per_image},
      {"peak_rss_mb", peak_mb}};
  fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  std::fflush(stdout);
}

void print_header() {
  fmt::print("{:>5} {:>6} {:>8} {:>13} {:>11} {:>9} {:>9} {:>9}\n", "batch", "r", "threads",
             "GFLOPs/image", "images/s", "GFLOP/s", "peak MB", "speed-up");
}

void print_text(const Row& row, const Measured& m, double peak_mb, double speed_up) {
  const double images = row.batch / m.seconds;
  fmt::print("{:>5} {:>6} {:>8} {:>13.3f} {:>11.2f} {:>9.1f} {:>9.0f} {:>9.2f}\n", row.batch, row.r,
             m.threads, m.gflops_per_image, images, images * m.gflops_per_image, peak_mb, speed_up);
  std::fflush(stdout);
}

int bench(const Flags& flags) {
  // Everything that can be wrong with the options is found before anything is measured.
  std::vector<Row> rows;
  for (const std::string& batch : split(flags.batch)) {
    for (const std::string& r : split(flags.r)) {
      parse_whole("--r", r, 0, 1'000'000);
      rows.push_back({r, parse_whole("--batch", batch, 1, 4096)});
    }
  }
  merge_options(flags.merge);
  load_options(flags.run);
  parse_whole("--seconds", flags.seconds, 0, 3600);
  if (is_named(flags.model)) named_architecture(flags.model);
  if (!flags.json) print_header();
  double first_seconds = 0;
  for (const Row& row : rows) {
    double peak_mb = 0;
    const Measured measured = measure_apart(flags, row, peak_mb);
    if (row.r == rows.front().r) first_seconds = measured.seconds;
    if (flags.json) {
      print_json(flags, row, measured, peak_mb);
    } else {
      print_text(row, measured, peak_mb, first_seconds / measured.seconds);
    }
  }
  return kDone;
}

}  // namespace

void add_bench(CLI::App& program, int& status) {
  CLI::App* command = program.add_subcommand("bench", "Measure images per second and memory");
  auto flags = std::make_shared<Flags>();
  command
      ->add_option("MODEL", flags->model,
                   "Folder, .safetensors file, or an architecture, which runs on random weights: "
                   "(vit|deit)_(tiny|small|base|large|huge)_patch(8|14|16|32)_SIZE")
      ->required();
  command->add_option("--r", flags->r,
                      "Tokens to merge in each layer; commas separate runs (default 0,13)");
  command->add_option("--batch", flags->batch,
                      "Images in one run; commas separate runs (default 1,8)");
  command->add_option("--size", flags->size,
                      "Size of the input in pixels: 224, or height x width: 224x384");
  command->add_option("--seconds", flags->seconds,
                      "Measure each row for at least so long; the fastest run counts");
  command->add_flag("--json", flags->json, "Print one JSON object a line");
  add_merge_flags(*command, flags->merge, false);
  add_run_flags(*command, flags->run);
  command->footer("Example: fovea bench vit_small_patch16_224 --r 0,8,13 --batch 1,8");
  command->callback([flags, &status] { status = bench(*flags); });
}

}  // namespace fovea::cli
