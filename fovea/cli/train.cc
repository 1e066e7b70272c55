// fovea train, fovea finetune and fovea distill: recipes become models.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/interrupt.h"
#include "fovea/cli/options.h"
#include "fovea/cli/run_together.h"
#include "fovea/cli/training_display.h"
#include "fovea/io/file.h"
#include "fovea/train/trainer.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string recipe, threads;
  std::map<std::string, std::string> defaults, typed;  // keys of the recipe
  bool resume = false;
  bool json = false;
};

// "--batch-size" for batch_size.
std::string option_of(const char* key) {
  std::string option = std::string("--") + key;
  std::replace(option.begin(), option.end(), '_', '-');
  return option;
}

double peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void print_trained(const Trained& trained, const Recipe& recipe, bool json) {
  if (json) {
    nlohmann::ordered_json object = {{"output", recipe.output},
                                     {"model", trained.model},
                                     {"steps", trained.steps},
                                     {"parameters", trained.parameters},
                                     {"trained_parameters", trained.trained_parameters},
                                     {"seconds_per_step", trained.step_seconds},
                                     {"peak_rss_mb", peak_mb()},
                                     {"stopped", trained.stopped}};
    if (trained.top1) object["top1"] = *trained.top1;
    if (trained.top5) object["top5"] = *trained.top5;
    print_json_line(object);
    return;
  }
  print(fmt::format("model         {}\nparameters    {}, of which trained {}\n", trained.model,
                    trained.parameters, trained.trained_parameters));
  print(fmt::format("steps         {}, {:.1f} ms each\npeak memory   {:.0f} MB\n", trained.steps,
                    1000 * trained.step_seconds, peak_mb()));
  if (trained.top1) {
    print(fmt::format("top-1         {:.2f} %\ntop-5         {:.2f} %\n", *trained.top1,
                      trained.top5.value_or(0)));
  }
}

void set_all(const std::map<std::string, std::string>& texts, Recipe& recipe) {
  for (const RecipeField& field : recipe_fields(recipe)) {
    const auto text = texts.find(field.name);
    if (text != texts.end()) set_typed(field, text->second);
  }
}

// The command's own defaults, then the file, then what is typed.
Recipe recipe_of(const Flags& flags) {
  Recipe recipe;
  set_all(flags.defaults, recipe);
  if (!flags.recipe.empty()) read_recipe(read_text(flags.recipe), flags.recipe, recipe);
  set_all(flags.typed, recipe);
  return recipe;
}

struct Task {
  Recipe recipe;
  TrainOptions options;
};

Task task_of(const Flags& flags) {
  Task task;
  task.recipe = recipe_of(flags);
  task.options.merge = training_merge(task.recipe);
  task.options.eval_merge = evaluation_merge(task.recipe);
  task.options.resume = flags.resume;
  if (!flags.threads.empty()) {
    task.options.threads = parse_whole("--threads", flags.threads, 1, 1024);
  }
  return task;
}

// Lines come at least once a minute, also where a step takes longer.
constexpr std::chrono::seconds kSilence{50};

void show_on(TrainingDisplay& display, TrainOptions& options) {
  options.note = [](const std::string& text) { note(text); };
  options.on_step = [&](int64_t step, int64_t steps, double loss, double images_per_second) {
    display.step(step, steps, loss, images_per_second);
  };
  options.on_evaluated = [&](int64_t pictures, int64_t of) { display.evaluated(pictures, of); };
  options.on_line = [&](const JournalLine& line) { display.line(line); };
}

// libtorch frees and asks for the same large blocks at every step; kept, their pages need not be
// cleared anew.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

int train_with(const Processes& processes, const Flags& flags) {
  Task task;
  processes.together([&] { task = task_of(flags); });
  keep_freed_memory();
  const Interrupt interrupt;
  std::optional<TrainingDisplay> display;
  task.options.stop = [&] { return interrupt.happened(); };
  if (processes.is_first()) {
    display.emplace(::isatty(STDERR_FILENO) != 0, kSilence, tell);
    show_on(*display, task.options);
  }
  const Trained trained = train(task.recipe, task.options, processes);
  const int status = trained.stopped ? kSomeSkipped : kDone;
  if (!processes.is_first()) return status;
  display.reset();
  if (trained.stopped) note("interrupted: --resume goes on from here");
  print_trained(trained, task.recipe, flags.json);
  return status;
}

int train_from(const Flags& flags) {
  return run_together([&](const Processes& processes) { return train_with(processes, flags); });
}

// The options for all keys of a recipe. CLI11 keeps the texts; the recipe's own reader checks them.
void add_keys(Command& command, const std::shared_ptr<Flags>& flags) {
  Recipe defaults;
  for (const RecipeField& field : recipe_fields(defaults)) {
    if (command.has_option(option_of(field.name))) continue;
    const std::string key = field.name;
    command
        .add_option_function(
            option_of(field.name),
            [flags, key](const std::string& text) { flags->typed[key] = text; }, field.help)
        ->type_name(field.choices.empty() ? "VALUE"
                                          : fmt::format("{}", fmt::join(field.choices, "|")))
        ->group("Keys of the recipe");
  }
}

void add_common(Command& command, const std::shared_ptr<Flags>& flags) {
  command.add_flag("--resume", flags->resume, "Go on from the checkpoint in the output folder");
  command.add_option("--threads", flags->threads, "Threads of the arithmetic (default all)")
      ->type_name("N");
  command.add_flag("--json", flags->json, "Print one JSON object of what came of it");
  add_keys(command, flags);
}

}  // namespace

void add_train(Command& program, int& status) {
  Command* command = program.add_subcommand("train", "Train a model as a recipe says");
  auto flags = std::make_shared<Flags>();
  command
      ->add_option("RECIPE", flags->recipe,
                   "A JSON file of keys; every key is an option as well, which goes\n"
                   "before the file")
      ->type_name("")
      ->required();
  add_common(*command, flags);
  command->footer(
      "Ctrl-C ends it with a checkpoint, exit status 1. mpirun starts several processes that\n"
      "train one model together, and share every batch.\n\n"
      "Examples:\n"
      "  fovea train recipes/cifar10.json --data cifar10.zip --output out\n"
      "  fovea train recipes/cifar10.json --data cifar10.zip --output out --resume\n"
      "  mpirun -np 4 fovea train recipes/cifar10.json --data cifar10.zip --output out");
  command->callback([flags, &status] { status = train_from(*flags); });
}

void add_finetune(Command& program, int& status) {
  Command* command =
      program.add_subcommand("finetune", "Go on training a model: other classes, another size");
  auto flags = std::make_shared<Flags>();
  // Less than what training from nothing begins with.
  flags->defaults = {
      {"epochs", "5"}, {"lr", "0.0001"}, {"min_lr", "0.000001"}, {"warmup_epochs", "0.5"}};
  command
      ->add_option_function(
          "MODEL", [flags](const std::string& text) { flags->typed["model"] = text; },
          "The model to start from: a folder or a .safetensors file")
      ->type_name("")
      ->required();
  command->add_option("--recipe", flags->recipe, "A JSON file of keys (as train's)")
      ->type_name("FILE");
  add_common(*command, flags);
  command->footer(
      "--delta true writes only what changed; every command takes MODEL+DELTA.\n\n"
      "Examples:\n"
      "  fovea finetune vits14 --data flowers/ --output out --tune attention --delta true\n"
      "  fovea classify vits14+out/delta.safetensors flower.jpg\n"
      "  fovea finetune deit_small --data cifar10.zip --val-split test --output out --img-size "
      "112");
  command->callback([flags, &status] { status = train_from(*flags); });
}

void add_distill(Command& program, int& status) {
  Command* command = program.add_subcommand(
      "distill", "Make a big.LITTLE ViT of a plain one, and let it learn from that");
  auto flags = std::make_shared<Flags>();
  flags->defaults = {{"big_little", "true"}, {"distillation", "feature"}, {"epochs", "10"},
                     {"lr", "0.0005"},       {"min_lr", "0.000005"},      {"warmup_epochs", "0.5"}};
  command
      ->add_option("RECIPE", flags->recipe,
                   "A JSON file of keys; every key is an option as well, which goes\n"
                   "before the file. teacher is the plain model")
      ->type_name("")
      ->required();
  add_common(*command, flags);
  command->footer(
      "Big blocks start from the teacher's weights; the loss is that of the labels and 2.5 times\n"
      "1 - cosine to the teacher's features (feature_weight). Of a Segment Anything (objective\n"
      "segment): the loss of masks, and the embedding's cells are the features.\n\n"
      "Examples:\n"
      "  fovea distill recipes/cifar10-big-little.json --teacher models/cifar10 \\\n"
      "      --data cifar10.zip --output out --keep-ratio 0.5\n"
      "  fovea evaluate out cifar10.zip/test --keep-ratio 0.5");
  command->callback([flags, &status] { status = train_from(*flags); });
}

}  // namespace fovea::cli
