#include "fovea/cli/options.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <system_error>

namespace fovea::cli {
namespace {

double parse_number(const std::string& option, const std::string& text, double least, double most) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool whole = !text.empty() && end == text.c_str() + text.size();
  if (!whole || !(value >= least && value <= most)) {
    fail("{} {}: expected a number from {} to {}", option, printable(text), least, most);
  }
  return value;
}

}  // namespace

void add_merge_flags(CLI::App& command, MergeFlags& flags, bool with_r) {
  const std::string group = "Token merging";
  if (with_r) {
    command
        .add_option("--r", flags.r,
                    "Tokens to merge in each layer: 13, or one number a layer: 8,0,5. 0: none")
        ->group(group);
  }
  command
      .add_option("--inflect", flags.inflect,
                  "Shift merging to early (-1) or late (1) layers around --r")
      ->group(group);
  command
      .add_option("--prop-attn", flags.prop_attn,
                  "Let a token weigh in attention as much as it stands for: on, off")
      ->group(group);
  command.add_option("--metric", flags.metric, "By what tokens are alike: k, q, v, x, k_concat")
      ->group(group);
  command
      .add_option("--distance", flags.distance,
                  "How that is measured: cosine, dot, euclidean, softmax")
      ->group(group);
  command.add_option("--merge", flags.merge, "What a merged token is: weighted, mean, amax, keep")
      ->group(group);
}

MergeOptions merge_options(const MergeFlags& flags) {
  MergeOptions options;
  options.schedule = parse_schedule(flags.r);
  options.schedule.inflect = parse_number("--inflect", flags.inflect, -1, 1);
  if (options.schedule.inflect != 0 && !options.schedule.per_layer.empty()) {
    fail("--inflect {}: can't go with a list for each layer (--r {})", printable(flags.inflect),
         printable(flags.r));
  }
  if (flags.prop_attn != "on" && flags.prop_attn != "off") {
    fail("--prop-attn {}: expected on or off", printable(flags.prop_attn));
  }
  options.prop_attn = flags.prop_attn == "on";
  options.metric = parse_metric(flags.metric);
  options.distance = parse_distance(flags.distance);
  options.merge = parse_merge_mode(flags.merge);
  return options;
}

void add_run_flags(CLI::App& command, RunFlags& flags) {
  command.add_option("--threads", flags.threads,
                     "Threads to compute with (default: all that may be used)");
  command.add_option("--dtype", flags.dtype,
                     "Number format of weights and products: f32, or bf16, faster and smaller");
}

LoadOptions load_options(const RunFlags& flags) {
  LoadOptions options;
  options.threads = flags.threads == "0" ? 0 : parse_whole("--threads", flags.threads, 1, 1024);
  if (flags.dtype != "f32" && flags.dtype != "bf16") {
    fail("--dtype {}: expected f32 or bf16", printable(flags.dtype));
  }
  options.dtype = flags.dtype == "bf16" ? Dtype::bf16 : Dtype::f32;
  return options;
}

int parse_whole(const std::string& option, const std::string& text, int least, int most) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < least || value > most) {
    fail("{} {}: expected a whole number from {} to {}", option, printable(text), least, most);
  }
  return value;
}

std::array<int, 2> parse_size(const std::string& option, const std::string& text) {
  const size_t x = text.find('x');
  const std::string height = text.substr(0, x);
  const std::string width = x == std::string::npos ? height : text.substr(x + 1);
  return {parse_whole(option, height, 1, 8192), parse_whole(option, width, 1, 8192)};
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool is_named(const std::string& model) {
  std::error_code ignored;
  if (std::filesystem::exists(model, ignored)) return false;
  if (model.starts_with("vit_") || model.starts_with("deit_")) return true;
  fail(
      "{}: no such file or folder, nor the name of an architecture (such as vit_small_patch16_224)",
      printable(model));
}

Model open_model(const std::string& model, const LoadOptions& options) {
  if (is_named(model)) {
    Model random = Model::random(model, 0, options);
    fmt::print(stderr, "note: {} has random weights: its answers mean nothing\n", model);
    return random;
  }
  Model loaded = Model::load(model, options);
  for (const std::string& note : loaded.notes()) fmt::print(stderr, "note: {}\n", note);
  return loaded;
}

void check_can_write(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    fail("{}: is a folder; expected a file to write", path.string());
  std::filesystem::path folder = path.parent_path();
  if (folder.empty()) folder = ".";
  if (!std::filesystem::is_directory(folder, ignored))
    fail("{}: there is no folder {}", path.string(), folder.string());
  const bool writable =
      ::access(folder.c_str(), W_OK) == 0 || std::filesystem::exists(path, ignored);
  if (!writable) fail("{}: the folder {} can't be written to", path.string(), folder.string());
}

}  // namespace fovea::cli
