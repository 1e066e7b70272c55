// fovea classify: pictures, videos or sound in, their most likely classes out.
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>

#include "fovea/cli/by_file.h"
#include "fovea/cli/class_labels.h"
#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/file_answer.h"
#include "fovea/cli/input_flags.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/speedup.h"
#include "fovea/cli/text_features.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, keep_ratio;
  InputFlags input;
  PictureFlags pictures;
  std::string top = "5";
  bool json = false;
  bool windows = false;
  TextFlags texts;
  MergeFlags merge;
  RunFlags run;
};

struct Guess {
  int64_t index;
  double probability;
};

// The classes that files are told apart by: those of the model's head, or texts'.
struct Classes {
  std::vector<std::string> names;  // empty where nobody tells
  std::function<std::vector<float>(const Result& result, int64_t index)> logits;
  ProbabilitiesOf probabilities;
};

// A window of sound and what it holds.
struct WindowGuesses {
  double start, end;  // seconds
  std::vector<Guess> top;
};

// What a file's inputs gave.
struct FileGuesses {
  FileAnswer answer;
  std::vector<WindowGuesses> windows;  // with --windows
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

// The `count` most likely classes, the most likely first, by their scores.
std::vector<Guess> most_likely(const Classes& classes, const FileAnswer& answer, int64_t count) {
  const std::vector<float> scores = answer.scores();
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return scores[a] > scores[b]; });
  order.resize(std::min(order.size(), static_cast<size_t>(count)));
  const std::vector<double> probabilities = answer.probabilities(classes.probabilities);
  std::vector<Guess> guesses;
  for (const int64_t index : order) guesses.push_back({index, probabilities[index]});
  return guesses;
}

// What a class is called; empty where nothing tells.
std::string label_of(int64_t index, const std::vector<std::string>& labels) {
  return labels.empty() ? "" : labels[index];
}

// Without labels classes have only their index.
nlohmann::ordered_json as_json(const std::vector<Guess>& guesses,
                               const std::vector<std::string>& labels) {
  nlohmann::ordered_json top = nlohmann::ordered_json::array();
  for (const Guess& guess : guesses) {
    const std::string name = label_of(guess.index, labels);
    nlohmann::ordered_json label;
    if (!name.empty()) label = name;
    top.push_back({{"label", label}, {"index", guess.index}, {"probability", guess.probability}});
  }
  return top;
}

void print_guesses(const std::vector<Guess>& guesses, const std::vector<std::string>& labels,
                   const std::string& indent) {
  for (const Guess& guess : guesses) {
    const std::string label = label_of(guess.index, labels);
    const std::string name =
        label.empty() ? fmt::format("class {}", guess.index) : printable(label);
    print(fmt::format("{}{:6.2f} %  {}\n", indent, 100 * guess.probability, name));
  }
}

class Printer {
 public:
  Printer(const Flags& flags, const Classes& classes, int64_t top)
      : flags_(flags), classes_(classes), top_(top) {}

  void print_file(const std::string& file, const FileGuesses& guesses) const {
    const std::vector<Guess> top = most_likely(classes_, guesses.answer, top_);
    if (flags_.json) {
      nlohmann::ordered_json line = {{"file", file}, {"top", as_json(top, classes_.names)}};
      for (const WindowGuesses& window : guesses.windows) {
        line["windows"].push_back({{"start", window.start},
                                   {"end", window.end},
                                   {"top", as_json(window.top, classes_.names)}});
      }
      return print_json_line(line);
    }
    print(file + "\n");
    print_guesses(top, classes_.names, "  ");
    for (const WindowGuesses& window : guesses.windows) {
      print(fmt::format("  {:.2f} - {:.2f} s\n", window.start, window.end));
      print_guesses(window.top, classes_.names, "    ");
    }
  }

 private:
  const Flags& flags_;
  const Classes& classes_;
  int64_t top_;
};

// Adds what one input of a file gave.
void add_input(const Flags& flags, const Classes& classes, int top, Medium medium,
               const InputBatch::Part& part, const std::vector<float>& logits,
               FileGuesses& guesses) {
  guesses.answer.add(logits, medium, classes.probabilities);
  if (!flags.windows) return;
  FileAnswer alone;
  alone.add(logits, medium, classes.probabilities);
  guesses.windows.push_back({part.start, part.end, most_likely(classes, alone, top)});
}

void check_finite(const std::vector<float>& logits, const std::string& model,
                  const std::string& file) {
  const auto finite = [](float x) { return std::isfinite(x); };
  if (std::all_of(logits.begin(), logits.end(), finite)) return;
  fail("{}: gives logits that are not finite for {}", model, file);
}

int classify(const Flags& flags) {
  RunOptions options = run_options(merge_options(flags.merge), flags.keep_ratio);
  const int top = parse_whole("--top", flags.top, 1, 1'000'000);
  const LoadOptions load = load_options(flags.run);
  const Medium medium = medium_of(flags.model, load);
  const Pictures files = find_pictures(flags.pictures, Processes::alone(), medium);
  const Model model = open_model(flags.model, load, options);
  const Classes classes =
      flags.texts.any() ? classes_of_texts(flags.texts, model) : classes_of_head(flags, model);
  const InputSpec spec = input_spec_of(flags.input, flags.model, model);
  if (flags.windows && medium != Medium::sound) {
    fail("--windows: {} is no model of sound", printable(flags.model));
  }
  resolve_speedup(flags.merge, flags.model, model.architecture(), spec.size(), options);
  const Printer printer(flags, classes, top);
  ByFile<FileGuesses> by_file;
  Progress progress(files.paths.size());
  return read_files(files, spec, model.threads(), progress, [&](const InputBatch& batch) {
    const Result result = model.run(batch.inputs, options);
    progress.clear();  // results may go to the same terminal
    by_file.take(
        batch,
        [&](FileGuesses& guesses, const InputBatch::Part& part, int64_t i) {
          const std::vector<float> logits = classes.logits(result, i);
          check_finite(logits, flags.model, files.paths[part.file].string());
          add_input(flags, classes, top, medium, part, logits, guesses);
        },
        [&](size_t file, const FileGuesses& guesses) {
          printer.print_file(files.paths[file].string(), guesses);
        });
    flush_output();
    progress.advance(batch.files());
    return true;
  });
}

}  // namespace

void add_classify(Command& program, int& status) {
  Command* command = program.add_subcommand(
      "classify", "Name the most likely classes of pictures, videos or sound");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  add_picture_flags(*command, flags->pictures, "FILE");
  command->add_option("--top", flags->top, "Classes to show of each file (default 5)")
      ->type_name("N");
  command->add_flag("--json", flags->json,
                    "Print one JSON object a line: file,\n"
                    "top: [{label, index, probability}]; probabilities add up to 1,\n"
                    "unless config.json says multi_label_classification, or the model\n"
                    "has the 527 classes of AudioSet.\n"
                    "With --windows: windows: [{start, end, top}], in seconds");
  command->add_flag("--windows", flags->windows,
                    "Of sound: show each window beside the whole, with its times");
  add_text_flags(*command, flags->texts);
  add_input_flags(*command, flags->input);
  add_run_flags(*command, flags->run);
  add_keep_ratio(*command, flags->keep_ratio);
  add_merge_flags(*command, flags->merge);
  command->footer(
      "Of several clips and crops of a video the logits are averaged, of the windows of a sound\n"
      "that is longer than an input the probabilities.\n\n"
      "Examples: the three most likely classes, with and without merging; five clips of each "
      "video,\n"
      "three crops of each; and what is heard when:\n"
      "  fovea classify vit_base/ cat.jpg dog.jpg --top 3\n"
      "  fovea classify vit_base/ cat.jpg dog.jpg --top 3 --r 13\n"
      "  fovea classify videomae-base-finetuned-kinetics/ talk.mp4 --clips 5 --crops 3 --r 120\n"
      "  fovea classify ast-finetuned-audioset/ street.flac --windows --hop 5");
  command->callback([flags, &status] { status = classify(*flags); });
}

}  // namespace fovea::cli
