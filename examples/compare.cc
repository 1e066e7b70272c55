// Runs a model on a picture, dense and with tokens merged, and shows what that saves and costs:
//   compare MODEL PICTURE [--r R] [--threads N]
// MODEL is a folder with model.safetensors and config.json, a .safetensors file, or the name of an
// architecture (random weights).
#include <fovea/fovea.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace {

constexpr const char* kUsage = "compare MODEL PICTURE [--r R] [--threads N]";

struct Flags {
  std::string model;
  std::string picture;
  fovea::MergeOptions merge;
  fovea::LoadOptions load;
};

int parse_threads(const std::string& text) {
  const bool is_number = !text.empty() && text.size() <= 3 &&
                         text.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number || std::stoi(text) == 0)
    fovea::fail("--threads {}: expected a whole number from 1 to 999", fovea::printable(text));
  return std::stoi(text);
}

Flags parse(const std::vector<std::string>& words) {
  if (words.size() < 2) fovea::fail("expected {}", kUsage);
  Flags flags = {words[0], words[1], {}, {}};
  flags.merge.schedule = fovea::parse_schedule("13");
  for (size_t i = 2; i < words.size(); i += 2) {
    if (i + 1 == words.size())
      fovea::fail("{}: no value; expected {}", fovea::printable(words[i]), kUsage);
    if (words[i] == "--r") {
      flags.merge.schedule = fovea::parse_schedule(words[i + 1]);
    } else if (words[i] == "--threads") {
      flags.load.threads = parse_threads(words[i + 1]);
    } else {
      fovea::fail("{}: no such option; expected {}", fovea::printable(words[i]), kUsage);
    }
  }
  return flags;
}

double milliseconds_of_run(const fovea::Model& model, const fovea::Array& image,
                           const fovea::MergeOptions& merge) {
  const auto start = std::chrono::steady_clock::now();
  model.run(image, {.merge = merge, .want_tokens = false});
  const std::chrono::duration<double, std::milli> passed = std::chrono::steady_clock::now() - start;
  return passed.count();
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

void print_row(const std::string& name, const fovea::Result& result, double milliseconds,
               double speed_up) {
  const auto tokens = static_cast<long long>(result.tokens.shape[1]);
  std::printf("%-16s %8lld %14.2f %10.2f\n", name.c_str(), tokens, milliseconds, speed_up);
}

void compare(const Flags& flags) {
  const bool is_file = std::filesystem::exists(flags.model);
  const fovea::Model model = is_file ? fovea::Model::load(flags.model, flags.load)
                                     : fovea::Model::random(flags.model, 1, flags.load);
  const fovea::Array image = model.preprocess(flags.picture);
  const fovea::Result dense = model.run(image);
  const fovea::Result merged = model.run(image, {.merge = flags.merge});

  // Turn by turn, so that both meet the same machine; the fastest run of each counts.
  constexpr int kRuns = 15;
  double dense_ms = std::numeric_limits<double>::infinity();
  double merged_ms = dense_ms;
  for (int i = 0; i < kRuns; ++i) {
    dense_ms = std::min(dense_ms, milliseconds_of_run(model, image, {}));
    merged_ms = std::min(merged_ms, milliseconds_of_run(model, image, flags.merge));
  }

  std::printf("%s on %s; threads: %d; best of %d runs each\n\n", flags.model.c_str(),
              flags.picture.c_str(), model.threads(), kRuns);
  std::printf("%-16s %8s %14s %10s\n", "", "tokens", "milliseconds", "speed-up");
  print_row("dense", dense, dense_ms, 1);
  print_row("r = " + to_string(flags.merge.schedule), merged, merged_ms, dense_ms / merged_ms);
  std::printf("\ntokens: left after the last layer\n");
  if (!is_file) {
    std::printf("The weights are random: the times hold, classes and features mean nothing.\n");
    return;
  }
  std::printf("cosine between the features, merged and dense: %.4f\n",
              cosine(dense.features.data, merged.features.data));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    compare(parse({argv + 1, argv + argc}));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "compare: %s\n", error.what());
    return 2;
  }
  return 0;
}
