// fovea classify: pictures in, their most likely classes out.
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>

#include "fovea/cli/class_labels.h"
#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/speedup.h"
#include "fovea/cli/text_features.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, keep_ratio, size;
  PictureFlags pictures;
  std::string top = "5";
  bool json = false;
  TextFlags texts;
  MergeFlags merge;
  RunFlags run;
};

struct Guess {
  int64_t index;
  double probability;
};

// The classes that pictures are told apart by: those of the model's head, or texts'.
struct Classes {
  std::vector<std::string> names;  // empty where nobody tells
  std::function<std::vector<float>(const Result& result, int64_t index)> logits;
  std::function<std::vector<double>(std::span<const float> logits)> probabilities;
};

Classes classes_of_texts(const TextFlags& flags, const Model& model) {
  const auto texts = std::make_shared<const TextClasses>(flags, model);
  return {texts->names(),
          [texts](const Result& result, int64_t index) { return texts->logits(result, index); },
          [texts](std::span<const float> logits) { return texts->probabilities(logits); }};
}

Classes classes_of_head(const Flags& flags, const Model& model) {
  const int64_t classes = model.architecture().classes;
  if (classes == 0) {
    fail("{}: the model has no head to classify with; fovea embed gives its features", flags.model);
  }
  if (model.config().problem_type == ProblemType::regression) {
    fail("{}: config.json's problem_type is regression; fovea forward gives its values",
         flags.model);
  }
  const ClassNames known = names_of_classes(model);
  note_assumed(known);
  return {known.names,
          [classes](const Result& result, int64_t index) {
            const auto first = result.logits.data.begin() + index * classes;
            return std::vector<float>(first, first + classes);
          },
          [&model](std::span<const float> logits) { return model.probabilities(logits); }};
}

// The `count` most likely classes, the most likely first, by their logits: probabilities may be
// equal where these are not.
std::vector<Guess> most_likely(const Classes& classes, std::span<const float> logits,
                               int64_t count) {
  std::vector<int64_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return logits[a] > logits[b]; });
  order.resize(std::min(order.size(), static_cast<size_t>(count)));
  const std::vector<double> probabilities = classes.probabilities(logits);
  std::vector<Guess> guesses;
  for (const int64_t index : order) guesses.push_back({index, probabilities[index]});
  return guesses;
}

// What a class is called; empty where nothing tells.
std::string label_of(int64_t index, const std::vector<std::string>& labels) {
  return labels.empty() ? "" : labels[index];
}

// Without labels classes have only their index.
void print_as_json(const std::string& file, const std::vector<Guess>& guesses,
                   const std::vector<std::string>& labels) {
  nlohmann::ordered_json line = {{"file", file}, {"top", nlohmann::ordered_json::array()}};
  for (const Guess& guess : guesses) {
    const std::string name = label_of(guess.index, labels);
    nlohmann::ordered_json label;
    if (!name.empty()) label = name;
    line["top"].push_back(
        {{"label", label}, {"index", guess.index}, {"probability", guess.probability}});
  }
  print_json_line(line);
}

void print_as_text(const std::string& file, const std::vector<Guess>& guesses,
                   const std::vector<std::string>& labels) {
  print(file + "\n");
  for (const Guess& guess : guesses) {
    const std::string label = label_of(guess.index, labels);
    const std::string name =
        label.empty() ? fmt::format("class {}", guess.index) : printable(label);
    print(fmt::format("  {:6.2f} %  {}\n", 100 * guess.probability, name));
  }
}

int classify(const Flags& flags) {
  RunOptions options = run_options(merge_options(flags.merge), flags.keep_ratio);
  const int top = parse_whole("--top", flags.top, 1, 1'000'000);
  const LoadOptions load = load_options(flags.run);
  const Pictures pictures = find_pictures(flags.pictures);
  const Model model = open_model(flags.model, load, options);
  const Classes classes =
      flags.texts.any() ? classes_of_texts(flags.texts, model) : classes_of_head(flags, model);
  const Preprocessing spec = preprocessing_of(flags.size, model);
  resolve_speedup(flags.merge, flags.model, model.architecture(), {spec.height, spec.width},
                  options);
  return run_pictures(
      model, pictures, spec, options,
      [&](const std::filesystem::path& picture, int64_t index, const Result& result) {
        const std::vector<float> logits = classes.logits(result, index);
        if (!std::all_of(logits.begin(), logits.end(), [](float x) { return std::isfinite(x); })) {
          fail("{}: gives logits that are not finite for {}", flags.model, picture.string());
        }
        const std::vector<Guess> guesses = most_likely(classes, logits, top);
        (flags.json ? print_as_json : print_as_text)(picture.string(), guesses, classes.names);
      });
}

}  // namespace

void add_classify(Command& program, int& status) {
  Command* command = program.add_subcommand("classify", "Name the most likely classes of pictures");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  add_picture_flags(*command, flags->pictures, "IMAGE");
  command->add_option("--top", flags->top, "Classes to show of each picture (default 5)")
      ->type_name("N");
  command->add_flag("--json", flags->json,
                    "Print one JSON object a line: file,\n"
                    "top: [{label, index, probability}]; probabilities add up to 1,\n"
                    "unless config.json says multi_label_classification");
  add_text_flags(*command, flags->texts);
  add_size(*command, flags->size);
  add_run_flags(*command, flags->run);
  add_keep_ratio(*command, flags->keep_ratio);
  add_merge_flags(*command, flags->merge);
  command->footer(
      "Example: the three most likely classes, with and without merging:\n"
      "  fovea classify vit_base/ cat.jpg dog.jpg --top 3\n"
      "  fovea classify vit_base/ cat.jpg dog.jpg --top 3 --r 13");
  command->callback([flags, &status] { status = classify(*flags); });
}

}  // namespace fovea::cli
