// fovea evaluate: how often a model is right on a folder with a folder of pictures for each class.
#include <algorithm>
#include <array>
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
#include "fovea/cli/run_together.h"
#include "fovea/cli/speedup.h"
#include "fovea/data/dataset.h"
#include "fovea/io/fail.h"
#include "fovea/report/accuracy.h"
#include "fovea/report/neighbours.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, folder, train, size, keep_ratio;
  std::string knn;
  std::string batch = "8";
  ReadFlags read;
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

// What a command line asks for, ready to run.
struct Setting {
  const Processes& processes;
  Labelled pictures;
  Model model;
  RunOptions run;
  Preprocessing spec;
  int batch;
  ReadOptions read;
};

Setting setting_of(const Flags& flags, const Processes& processes) {
  RunOptions run = run_options(merge_options(flags.merge), flags.keep_ratio);
  LoadOptions load = load_options(flags.run);
  if (load.threads == 0) load.threads = processes.processors();
  const int batch = parse_whole("--batch", flags.batch, 1, 4096);
  if (!flags.knn.empty()) parse_whole("--knn", flags.knn, 1, 1'000'000);
  const ReadOptions read = read_options(flags.read);
  Labelled pictures = open_dataset(flags.folder, "", read);
  if (processes.is_first()) note_left_out(pictures->left_out());
  Model model = open_model(flags.model, load, run);
  if (model.architecture().classes == 0 && flags.train.empty()) {
    fail("{}: the model has no head; expected --train FOLDER, to go by the nearest of its pictures",
         flags.model);
  }
  const Preprocessing spec = preprocessing_of(flags.size, model);
  resolve_speedup(flags.merge, flags.model, model.architecture(), {spec.height, spec.width}, run);
  return {processes, std::move(pictures), std::move(model), run, spec, batch, read};
}

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
  Progress progress(pictures->size(), setting.processes);
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
      },
      setting.processes);
  return interrupt.happened() ? kSomeSkipped : status;
}

void check_finite(const Array& values, const std::string& model) {
  const auto finite = [](float x) { return std::isfinite(x); };
  if (!std::all_of(values.data.begin(), values.data.end(), finite)) {
    fail("{}: gives answers that are not finite", model);
  }
}

using Add = void (Accuracy::*)(std::span<const float> scores, int right);

void count(const Array& scores, std::span<const int> right, Accuracy& accuracy, Add add) {
  const int64_t classes = scores.shape[1];
  for (size_t i = 0; i < right.size(); ++i) {
    (accuracy.*add)(std::span(scores.data).subspan(i * classes, classes), right[i]);
  }
}

// By the model's own head.
int evaluate_head(const Flags& flags, const Setting& setting, const Interrupt& interrupt,
                  Accuracy& accuracy, Spent& spent) {
  const int classes = setting.model.architecture().classes;
  std::vector<std::string> labels = setting.model.config().labels;
  if (labels.size() != static_cast<size_t>(classes)) labels.clear();
  ClassMatch match;
  setting.processes.together(
      [&] { match = match_classes(setting.pictures->classes(), labels, classes); });
  note(match.by_label ? "classes by the labels of config.json"
                      : "classes by the sorted order of the folders");
  return run_labelled(setting, setting.pictures, interrupt, spent,
                      [&](const Result& result, std::span<const int> folders) {
                        check_finite(result.logits, flags.model);
                        std::vector<int> right;
                        for (const int folder : folders) right.push_back(match.classes[folder]);
                        count(result.logits, right, accuracy, &Accuracy::add);
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

// What is known of the pictures in --train.
struct Known {
  Array features;
  std::vector<int> classes;
  int status = kDone;
};

// All processes get what each of them has found out.
Known read_known(const Flags& flags, const Setting& setting, const Labelled& pictures,
                 const Interrupt& interrupt) {
  Known known;
  Spent unused;
  known.status = run_labelled(
      setting, pictures, interrupt, unused, [&](const Result& result, std::span<const int> right) {
        check_finite(result.features, flags.model);
        known.features.data.insert(known.features.data.end(), result.features.data.begin(),
                                   result.features.data.end());
        known.classes.insert(known.classes.end(), right.begin(), right.end());
      });
  setting.processes.together([&] {
    if (interrupt.happened()) fail("interrupted before the pictures of --train were done");
  });
  known.features.data = setting.processes.join(known.features.data);
  known.classes = setting.processes.join(known.classes);
  known.features.shape = {static_cast<int64_t>(known.classes.size()),
                          setting.model.architecture().features()};
  return known;
}

// How many neighbours vote: what was asked for, else 20 or as many as are known.
int nearest_of(const Flags& flags, size_t known) {
  const int most = static_cast<int>(std::min<size_t>(known, 1'000'000));
  if (flags.knn.empty()) return std::min(20, most);
  const int nearest = parse_whole("--knn", flags.knn, 1, 1'000'000);
  if (nearest > most) {
    fail("--knn {}: expected at most the {} known pictures of --train {}", nearest, most,
         flags.train);
  }
  return nearest;
}

// By the nearest of the pictures in --train.
int evaluate_neighbours(const Flags& flags, const Setting& setting, const Interrupt& interrupt,
                        Accuracy& accuracy, Spent& spent) {
  Labelled pictures;
  std::vector<int> same;
  setting.processes.together([&] {
    pictures = open_dataset(flags.train, "", setting.read);
    same = same_classes(setting.pictures, pictures, flags);
  });
  Known known = read_known(flags, setting, pictures, interrupt);
  std::optional<Neighbours> neighbours;
  setting.processes.together([&] {
    const int nearest = nearest_of(flags, known.classes.size());
    neighbours.emplace(std::move(known.features), std::move(known.classes), nearest,
                       setting.model.threads());
  });
  const int status = run_labelled(setting, setting.pictures, interrupt, spent,
                                  [&](const Result& result, std::span<const int> folders) {
                                    check_finite(result.features, flags.model);
                                    std::vector<int> right;
                                    for (const int folder : folders) right.push_back(same[folder]);
                                    const Array votes = neighbours->votes(result.features);
                                    count(votes, right, accuracy, &Accuracy::add_votes);
                                  });
  return std::max(status, known.status);
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

// Of all processes. They work at the same time.
void sum_up(const Processes& processes, Accuracy& accuracy, Spent& spent, int64_t& interrupted) {
  processes.sum(
      {&accuracy.images, &accuracy.first, &accuracy.among_five, &spent.images, &interrupted});
  std::array<double, 3> sums = {spent.seconds / processes.size(), spent.gflops, spent.tokens};
  processes.sum(sums);
  spent.seconds = sums[0];
  spent.gflops = sums[1];
  spent.tokens = sums[2];
}

int evaluate(const Flags& flags, const Processes& processes) {
  std::optional<Setting> setting;
  processes.together([&] { setting.emplace(setting_of(flags, processes)); });
  const Interrupt interrupt;
  Accuracy accuracy;
  Spent spent;
  auto* const run = flags.train.empty() ? &evaluate_head : &evaluate_neighbours;
  int status = run(flags, *setting, interrupt, accuracy, spent);
  int64_t interrupted = interrupt.happened() ? 1 : 0;
  sum_up(processes, accuracy, spent, interrupted);
  if (interrupted > 0) status = kSomeSkipped;
  tell_counts(setting->read, processes);
  if (!processes.is_first()) return status;
  if (interrupted > 0) {
    note(fmt::format("interrupted: this is of {} pictures of {}", accuracy.images,
                     setting->pictures->size()));
  }
  print_result(flags, accuracy, spent);
  return status;
}

}  // namespace

void add_evaluate(Command& program, int& status) {
  Command* command = program.add_subcommand("evaluate", "Measure accuracy on labelled pictures");
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
                   "How many neighbours vote, each with e^(cosine / 0.07)\n"
                   "(default 20, or as many as are known)")
      ->type_name("N");
  command->add_option("--batch", flags->batch, "Pictures to compute at once (default 8)")
      ->type_name("N");
  command->add_flag("--json", flags->json,
                    "Print one JSON object: images, top1, top5 (per cent),\n"
                    "images_per_second (of the arithmetic, not of decoding),\n"
                    "gflops_per_image, tokens_left");
  add_size(*command, flags->size);
  add_read_flags(*command, flags->read);
  add_run_flags(*command, flags->run);
  add_keep_ratio(*command, flags->keep_ratio);
  add_merge_flags(*command, flags->merge);
  command->footer(
      "Ctrl-C ends it with the accuracy so far, exit status 1.\n\n"
      "Examples:\n"
      "  fovea evaluate deit_small/ imagenet/val --r 13\n"
      "  fovea evaluate dinov2_small/ cifar.zip/test --train cifar.zip/train");
  command->callback([flags, &status] {
    status = run_together([&](const Processes& processes) { return evaluate(*flags, processes); });
  });
}

}  // namespace fovea::cli
