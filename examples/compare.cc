// Runs a model on pictures, dense and with tokens merged, and shows what that saves and costs:
//   compare MODEL PICTURE... [--r R] [--threads N]
// MODEL is a folder with model.safetensors and config.json, a .safetensors file, or the name of an
// architecture (random weights).
#include <fovea/fovea.h>
#include <fovea/model/labels.h>

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

constexpr const char* kUsage = "compare MODEL PICTURE... [--r R] [--threads N]";

constexpr int kRuns = 15;

struct Flags {
  std::string model;
  std::vector<std::string> pictures;
  fovea::MergeOptions merge;
  fovea::LoadOptions load;
};

int parse_threads(const std::string& text) {
  const bool is_number = !text.empty() && text.size() <= 3 &&
                         text.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number || std::stoi(text) == 0)
    throw fovea::Error("--threads " + fovea::printable(text) +
                       ": expected a whole number from 1 to 999");
  return std::stoi(text);
}

Flags parse(const std::vector<std::string>& words) {
  Flags flags;
  flags.merge.schedule = fovea::parse_schedule("13");
  for (size_t i = 0; i < words.size(); ++i) {
    if (!words[i].starts_with("--")) {
      (flags.model.empty() ? flags.model : flags.pictures.emplace_back()) = words[i];
      continue;
    }
    if (words[i] != "--r" && words[i] != "--threads")
      throw fovea::Error(fovea::printable(words[i]) + ": no such option; expected " + kUsage);
    if (i + 1 == words.size()) throw fovea::Error(words[i] + ": no value; expected " + kUsage);
    if (words[i] == "--r") {
      flags.merge.schedule = fovea::parse_schedule(words[i + 1]);
    } else {
      flags.load.threads = parse_threads(words[i + 1]);
    }
    ++i;
  }
  if (flags.pictures.empty()) throw fovea::Error(std::string("expected ") + kUsage);
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

// The likeliest class and its probability: "cat 60 %".
std::string answer(const fovea::Model& model, const std::vector<float>& logits) {
  const int classes = model.architecture().classes;
  const std::vector<std::string> names = fovea::class_names(model.config(), classes).names;
  const std::vector<double> probabilities = model.probabilities(logits);
  const auto best = std::max_element(probabilities.begin(), probabilities.end());
  const auto place = static_cast<size_t>(best - probabilities.begin());
  const std::string name = names.empty() ? std::to_string(place) : names[place];
  return name + " " + std::to_string(std::lround(100 * *best)) + " %";
}

void compare_on(const std::string& picture, const fovea::Model& model,
                const fovea::MergeOptions& merge) {
  const fovea::Array image = model.preprocess(picture);
  const fovea::Result dense = model.run(image);
  const fovea::Result merged = model.run(image, {.merge = merge});

  // Turn by turn, so that both meet the same machine; the fastest run of each counts.
  double dense_ms = std::numeric_limits<double>::infinity();
  double merged_ms = dense_ms;
  for (int i = 0; i < kRuns; ++i) {
    dense_ms = std::min(dense_ms, milliseconds_of_run(model, image, {}));
    merged_ms = std::min(merged_ms, milliseconds_of_run(model, image, merge));
  }

  const std::string tokens =
      std::to_string(dense.tokens.shape[1]) + " > " + std::to_string(merged.tokens.shape[1]);
  const bool classifies = model.architecture().classes > 0;
  std::printf("%-16s %10s %9.2f %9.2f %9.2f %7.4f  %-16s %s\n",
              std::filesystem::path(picture).filename().c_str(), tokens.c_str(), dense_ms,
              merged_ms, dense_ms / merged_ms, cosine(dense.features.data, merged.features.data),
              classifies ? answer(model, dense.logits.data).c_str() : "",
              classifies ? answer(model, merged.logits.data).c_str() : "");
}

void compare(const Flags& flags) {
  const bool is_file = std::filesystem::exists(flags.model);
  const fovea::Model model = is_file ? fovea::Model::load(flags.model, flags.load)
                                     : fovea::Model::random(flags.model, 1, flags.load);
  std::printf("%s, dense and merged with r = %s; threads: %d; milliseconds: best of %d runs\n\n",
              flags.model.c_str(), to_string(flags.merge.schedule).c_str(), model.threads(), kRuns);
  std::printf("%-16s %10s %9s %9s %9s %7s  %-16s %s\n", "picture", "tokens", "dense ms",
              "merged ms", "speed-up", "cosine", "dense says", "merged says");
  for (const std::string& picture : flags.pictures) compare_on(picture, model, flags.merge);
  std::printf("\ntokens: at first, and left after the last layer; cosine: between the features\n");
  if (!is_file)
    std::printf("The weights are random: the times hold, classes and features mean nothing.\n");
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
