// fovea evaluate: how often a model is right on a folder with a folder of pictures for each class.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/interrupt.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/progress.h"
#include "fovea/data/dataset.h"
#include "fovea/report/accuracy.h"
#include "fovea/report/neighbours.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, folder, train, size, keep_ratio;
  std::string knn = "20";
  std::string batch = "8";
  bool json = false;
  MergeFlags merge;
  RunFlags run;
};

using Labelled = std::shared_ptr<const Dataset>;

// What running over pictures cost; of the arithmetic alone, without waiting for decoding.
struct Spent {
  int64_t images = 0;
  double seconds = 0;
  double gflops = 0;
  double tokens = 0;  // that leave the last layer
};

// A model and how it is to be run.
struct Setting {
  const Model& model;
  RunOptions run;
  Preprocessing spec;
  int batch;
};

void add(const Setting& setting, const Result& result, double seconds, Spent& spent) {
  const Architecture a = as_run(setting.model.architecture(), setting.run);
  const int64_t images = result.features.shape[0];
  const std::span<const int32_t> tokens = result.layer_tokens.data;
  for (int64_t i = 0; i < images; ++i) {
    const auto of_image = tokens.subspan(i * a.depth, a.depth);
    spent.gflops += gflops(a, setting.spec.height, setting.spec.width, setting.run.merge, of_image);
    spent.tokens += of_image.back();
  }
  spent.images += images;
  spent.seconds += seconds;
}

// Called with what a batch gave and the right class of each of its pictures.
using TakeAnswers = std::function<void(const Result& result, std::span<const int> classes)>;

// Runs labelled pictures; returns the exit status. Ends early where the user says so.
int run_labelled(const Setting& setting, const Labelled& pictures, const Interrupt& interrupt,
                 Spent& spent, const TakeAnswers& take) {
  Progress progress(pictures->size());
  const int status = read_pictures(
      pictures, setting.batch, setting.spec, setting.model.threads(), progress,
      [&](const PictureBatch& batch) {
        const auto start = std::chrono::steady_clock::now();
        const Result result = setting.model.run(batch.images, setting.run);
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
        add(setting, result, passed.count(), spent);
        std::vector<int> classes;
        for (const size_t index : batch.indices)
          classes.push_back(pictures->label(static_cast<int64_t>(index)));
        take(result, classes);
        progress.advance(batch.indices.size());
        return !interrupt.happened();
      });
  return interrupt.happened() ? kSomeSkipped : status;
}

void check_finite(const Array& values, const std::string& model) {
  const auto finite = [](float x) { return std::isfinite(x); };
  if (!std::all_of(values.data.begin(), values.data.end(), finite)) {
    fail("{}: gives answers that are not finite", model);
  }
}

void count(const Array& scores, std::span<const int> right, Accuracy& accuracy) {
  const int64_t classes = scores.shape[1];
  for (size_t i = 0; i < right.size(); ++i) {
    accuracy.add(std::span(scores.data).subspan(i * classes, classes), right[i]);
  }
}

// By the model's own head.
int evaluate_head(const Flags& flags, const Setting& setting, const Labelled& pictures,
                  const Interrupt& interrupt, Accuracy& accuracy, Spent& spent) {
  const int classes = setting.model.architecture().classes;
  std::vector<std::string> labels = setting.model.config().labels;
  if (labels.size() != static_cast<size_t>(classes)) labels.clear();
  const ClassMatch match = match_classes(pictures->classes(), labels, classes);
  note(match.by_label ? "classes by the labels of config.json"
                      : "classes by the sorted order of the folders");
  return run_labelled(setting, pictures, interrupt, spent,
                      [&](const Result& result, std::span<const int> folders) {
                        check_finite(result.logits, flags.model);
                        std::vector<int> right;
                        for (const int folder : folders) right.push_back(match.classes[folder]);
                        count(result.logits, right, accuracy);
                      });
}

// Which class of `known` each class is.
std::vector<int> same_classes(const Labelled& pictures, const Labelled& known, const Flags& flags) {
  std::vector<int> classes;
  const std::vector<std::string>& names = known->classes();
  for (const std::string& name : pictures->classes()) {
    const auto place = std::lower_bound(names.begin(), names.end(), name);
    if (place == names.end() || *place != name) {
      fail("--train {}: no class folder {}, which {} has; expected the same classes", flags.train,
           name, flags.folder);
    }
    classes.push_back(static_cast<int>(place - names.begin()));
  }
  return classes;
}

// By the nearest of the pictures in --train.
int evaluate_neighbours(const Flags& flags, const Setting& setting, const Labelled& pictures,
                        const Interrupt& interrupt, Accuracy& accuracy, Spent& spent) {
  const Labelled known = open_dataset(flags.train, "");
  const std::vector<int> same = same_classes(pictures, known, flags);
  const int nearest = parse_whole("--knn", flags.knn, 1, 1'000'000);
  Array features;
  std::vector<int> classes;
  Spent unused;
  const int train_status = run_labelled(
      setting, known, interrupt, unused, [&](const Result& result, std::span<const int> right) {
        check_finite(result.features, flags.model);
        features.data.insert(features.data.end(), result.features.data.begin(),
                             result.features.data.end());
        classes.insert(classes.end(), right.begin(), right.end());
        features.shape = {static_cast<int64_t>(classes.size()), result.features.shape[1]};
      });
  if (interrupt.happened()) fail("interrupted before the pictures of --train were done");
  Neighbours neighbours(std::move(features), std::move(classes), nearest, setting.model.threads());
  const int status = run_labelled(setting, pictures, interrupt, spent,
                                  [&](const Result& result, std::span<const int> folders) {
                                    std::vector<int> right;
                                    for (const int folder : folders) right.push_back(same[folder]);
                                    count(neighbours.votes(result.features), right, accuracy);
                                  });
  return std::max(status, train_status);
}

void print_result(const Flags& flags, const Accuracy& accuracy, const Spent& spent) {
  const auto images = static_cast<double>(spent.images);
  const double speed = images / spent.seconds;
  if (flags.json) {
    print_json_line({{"images", accuracy.images},
                     {"top1", accuracy.top1()},
                     {"top5", accuracy.top5()},
                     {"images_per_second", speed},
                     {"gflops_per_image", spent.gflops / images},
                     {"tokens_left", spent.tokens / images}});
    return;
  }
  print(fmt::format("images        {}\ntop-1         {:.2f} %\ntop-5         {:.2f} %\n",
                    accuracy.images, accuracy.top1(), accuracy.top5()));
  print(fmt::format("speed         {:.2f} images/s\ncost          {:.3f} GFLOPs/image\n", speed,
                    spent.gflops / images));
  print(fmt::format("tokens left   {:.1f}\n", spent.tokens / images));
}

int evaluate(const Flags& flags) {
  RunOptions run_as = run_options(merge_options(flags.merge), flags.keep_ratio);
  run_as.want_tokens = false;
  const LoadOptions load = load_options(flags.run);
  const int batch = parse_whole("--batch", flags.batch, 1, 4096);
  parse_whole("--knn", flags.knn, 1, 1'000'000);
  const Labelled pictures = open_dataset(flags.folder, "");
  const Model model = open_model(flags.model, load, run_as);
  if (model.architecture().classes == 0 && flags.train.empty()) {
    fail("{}: the model has no head; expected --train FOLDER, to go by the nearest of its pictures",
         flags.model);
  }
  const Setting setting = {model, run_as, preprocessing_of(flags.size, model), batch};
  const Interrupt interrupt;
  Accuracy accuracy;
  Spent spent;
  auto* const run = flags.train.empty() ? &evaluate_head : &evaluate_neighbours;
  const int status = run(flags, setting, pictures, interrupt, accuracy, spent);
  if (interrupt.happened()) {
    note(fmt::format("interrupted: this is of {} pictures of {}", accuracy.images,
                     pictures->size()));
  }
  print_result(flags, accuracy, spent);
  return status;
}

}  // namespace

void add_evaluate(CLI::App& program, int& status) {
  CLI::App* command = program.add_subcommand("evaluate", "Measure accuracy on labelled pictures");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  command
      ->add_option("FOLDER", flags->folder,
                   "A folder of pictures for each class: FOLDER/CLASS/*.jpg; also in a\n"
                   "zip: cifar.zip/test. Classes are matched to config.json's labels\n"
                   "by name or, where no name is one, by the sorted order of the\n"
                   "folders")
      ->type_name("")
      ->required();
  command
      ->add_option("--train", flags->train,
                   "Another such folder: go by the nearest of its pictures instead\n"
                   "of the model's head (k nearest neighbours of the features)")
      ->type_name("FOLDER");
  command
      ->add_option("--knn", flags->knn,
                   "How many neighbours vote, each with e^(cosine / 0.07) (default 20)")
      ->type_name("N");
  command->add_option("--batch", flags->batch, "Pictures to compute at once (default 8)")
      ->type_name("N");
  command->add_flag("--json", flags->json,
                    "Print one JSON object: images, top1, top5 (per cent),\n"
                    "images_per_second (of the arithmetic, not of decoding),\n"
                    "gflops_per_image, tokens_left");
  add_size(*command, flags->size);
  add_run_flags(*command, flags->run);
  add_keep_ratio(*command, flags->keep_ratio);
  add_merge_flags(*command, flags->merge);
  command->footer(
      "Ctrl-C ends it with the accuracy so far, exit status 1.\n\n"
      "Examples:\n"
      "  fovea evaluate deit_small/ imagenet/val --r 13\n"
      "  fovea evaluate dinov2_small/ cifar.zip/test --train cifar.zip/train");
  command->callback([flags, &status] { status = evaluate(*flags); });
}

}  // namespace fovea::cli
