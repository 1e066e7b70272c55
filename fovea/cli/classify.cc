// fovea classify: pictures in, their most likely classes out.
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "fovea/cli/commands.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model;
  std::vector<std::string> paths;
  std::string top = "5";
  std::string batch = "8";
  bool json = false;
  MergeFlags merge;
  RunFlags run;
};

struct Guess {
  int64_t index;
  double probability;
};

// The `count` most likely classes by softmax, the most likely first.
std::vector<Guess> most_likely(std::span<const float> logits, int64_t count) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  std::vector<int64_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return logits[a] > logits[b]; });
  std::vector<Guess> guesses;
  for (int64_t i = 0; i < std::min<int64_t>(count, static_cast<int64_t>(order.size())); ++i) {
    guesses.push_back({order[i], std::exp(logits[order[i]] - largest) / sum});
  }
  return guesses;
}

void print_json(const std::string& file, const std::vector<Guess>& guesses,
                const std::vector<std::string>& labels) {
  nlohmann::json line = {{"file", file}, {"top", nlohmann::json::array()}};
  for (const Guess& guess : guesses) {
    nlohmann::json label;
    if (!labels.empty()) label = labels[guess.index];
    line["top"].push_back(
        {{"label", label}, {"index", guess.index}, {"probability", guess.probability}});
  }
  fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void print_text(const std::string& file, const std::vector<Guess>& guesses,
                const std::vector<std::string>& labels) {
  fmt::print("{}\n", file);
  for (const Guess& guess : guesses) {
    const std::string name =
        labels.empty() ? fmt::format("class {}", guess.index) : labels[guess.index];
    fmt::print("  {:6.2f} %  {}\n", 100 * guess.probability, name);
  }
}

int classify(const Flags& flags) {
  const MergeOptions merge = merge_options(flags.merge);
  const int top = parse_whole("--top", flags.top, 1, 1'000'000);
  const int batch = parse_whole("--batch", flags.batch, 1, 4096);
  const Model model = open_model(flags.model, load_options(flags.run));
  const int64_t classes = model.architecture().classes;
  if (classes == 0)
    fail("{}: the model has no head to classify with; fovea embed gives its features", flags.model);
  const std::vector<std::string>& labels = model.config().labels;
  if (!labels.empty() && static_cast<int64_t>(labels.size()) != classes) {
    fail("{}: config.json names {} labels; the head has {} classes", flags.model, labels.size(),
         classes);
  }
  const int status =
      run_pictures(model, flags.paths, merge, batch,
                   [&](const std::filesystem::path& picture, int64_t index, const Result& result) {
                     const std::span<const float> all(result.logits.data);
                     const auto guesses = most_likely(all.subspan(index * classes, classes), top);
                     (flags.json ? print_json : print_text)(picture.string(), guesses, labels);
                   });
  if (status == kRefused) fail("none of the pictures could be read");
  return status;
}

}  // namespace

void add_classify(CLI::App& program, int& status) {
  CLI::App* command =
      program.add_subcommand("classify", "Name the most likely classes of pictures");
  auto flags = std::make_shared<Flags>();
  command
      ->add_option("MODEL", flags->model,
                   "Folder with model.safetensors and config.json, or a .safetensors file")
      ->required();
  command->add_option("IMAGE", flags->paths, "Pictures, or folders of .jpg, .jpeg and .png")
      ->required();
  command->add_option("--top", flags->top, "How many classes to show of each picture (default 5)");
  command->add_flag("--json", flags->json,
                    "Print one JSON object a line: file, top: [{label, index, probability}]");
  command->add_option("--batch", flags->batch, "Pictures in one run (default 8)");
  add_merge_flags(*command, flags->merge);
  add_run_flags(*command, flags->run);
  command->footer("Example: fovea classify vit_base cat.jpg dog.jpg --top 3 --r 13");
  command->callback([flags, &status] { status = classify(*flags); });
}

}  // namespace fovea::cli
