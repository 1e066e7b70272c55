// fovea evaluate: how often a model is right on labelled pictures, videos or sound.
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/evaluate_masks.h"
#include "fovea/cli/evaluation.h"
#include "fovea/cli/run_together.h"
#include "fovea/data/folder.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

void print_result(const Evaluation& evaluation, const Judged& judged) {
  const Accuracy& accuracy = judged.accuracy;
  const Spent& spent = judged.spent;
  // Clips, crops and windows all count for the file that they are of.
  const double speed = static_cast<double>(spent.files) / spent.seconds;
  const double gflops = spent.gflops / static_cast<double>(spent.files);
  const double tokens = spent.tokens / static_cast<double>(spent.inputs);
  std::optional<double> map;
  if (judged.ranking) map = judged.ranking->mean_average_precision();
  if (evaluation.flags.json) {
    nlohmann::ordered_json line = {
        {"images", accuracy.images}, {"top1", accuracy.top1()}, {"top5", accuracy.top5()}};
    if (map) line["map"] = *map;
    line["images_per_second"] = speed;
    line["gflops_per_image"] = gflops;
    line["tokens_left"] = tokens;
    print_json_line(line);
    return;
  }
  const bool of_pictures = evaluation.spec.medium == Medium::picture;
  const std::string one = of_pictures ? "image" : one_of(evaluation.spec.medium);
  print(fmt::format("{:<13} {}\ntop-1         {:.2f} %\ntop-5         {:.2f} %\n", one + "s",
                    accuracy.images, accuracy.top1(), accuracy.top5()));
  if (map) print(fmt::format("mAP           {:.2f} %\n", *map));
  print(fmt::format("speed         {:.2f} {}s/s\ncost          {:.3f} GFLOPs/{}\n", speed, one,
                    gflops, one));
  print(fmt::format("tokens left   {:.1f}\n", tokens));
}

// Of all processes. They work at the same time.
void sum_up(const Processes& processes, Judged& judged, int64_t& interrupted) {
  Accuracy& accuracy = judged.accuracy;
  Spent& spent = judged.spent;
  processes.sum({&accuracy.images, &accuracy.first, &accuracy.among_five, &spent.files,
                 &spent.inputs, &interrupted});
  std::array<double, 3> sums = {spent.seconds / processes.size(), spent.gflops, spent.tokens};
  processes.sum(sums);
  spent.seconds = sums[0];
  spent.gflops = sums[1];
  spent.tokens = sums[2];
  if (!judged.ranking) return;
  judged.ranking->scores() = processes.join(judged.ranking->scores());
  judged.ranking->right() = processes.join(judged.ranking->right());
}

int evaluate_classes(const EvaluateFlags& flags, const Processes& processes) {
  std::optional<Evaluation> evaluation;
  processes.together([&] { evaluation.emplace(evaluation_of(flags, processes)); });
  const Interrupt interrupt;
  Judged judged;
  auto* const run = flags.train.empty() ? &evaluate_head : &evaluate_neighbours;
  int status = run(*evaluation, interrupt, judged);
  int64_t interrupted = interrupt.happened() ? 1 : 0;
  sum_up(processes, judged, interrupted);
  if (interrupted > 0) status = kSomeSkipped;
  tell_counts(evaluation->read, processes);
  if (!processes.is_first()) return status;
  if (interrupted > 0) {
    if (judged.accuracy.images == 0) fail("interrupted before anything was measured");
    note(fmt::format("interrupted: this is of {} {} of {}", judged.accuracy.images,
                     many_of(evaluation->spec.medium), evaluation->files->size()));
  }
  print_result(*evaluation, judged);
  return status;
}

int evaluate(const EvaluateFlags& flags, const Processes& processes) {
  return flags.masks.kinds.empty() ? evaluate_classes(flags, processes)
                                   : evaluate_masks(flags, processes);
}

void add_data_options(Command& command, const std::shared_ptr<EvaluateFlags>& flags) {
  command
      .add_option("FOLDER", flags->folder,
                  "A folder of pictures (or videos, or sound, as the model takes them)\n"
                  "for each class: FOLDER/CLASS/*.jpg; also in a zip: cifar.zip/test")
      ->type_name("")
      ->required();
  command
      .add_option("--classes", flags->classes,
                  "How folders are matched to the model's classes: by name (one of\n"
                  "config.json's labels or their descriptions, or a synset), by number\n"
                  "(folder 7 is class 7), or by their sorted order. By default by\n"
                  "name where one fits, else by number where they are 0, 1, 2, ... of\n"
                  "all classes, else by order where they are as many")
      ->type_name("name|number|order");
  command
      .add_option("--labels", flags->labels,
                  "A CSV file of lines PATH,LABEL or PATH,LABEL|LABEL|..., paths\n"
                  "relative to FOLDER: its folders are no classes then. Labels are\n"
                  "matched like folders")
      ->type_name("FILE");
  command.add_flag("--allow-empty", flags->allow_empty, "Class folders may hold no file");
  add_text_flags(command, flags->texts);
  command
      .add_option("--train", flags->train,
                  "Another such folder: go by the nearest of its files instead\n"
                  "of the model's head (k nearest neighbours of the features)")
      ->type_name("FOLDER");
  command
      .add_option("--knn", flags->knn,
                  "How many neighbours vote, each with e^(cosine / 0.07)\n"
                  "(default 20, or as many as are known)")
      ->type_name("N");
}

}  // namespace

void add_evaluate(Command& program, int& status) {
  Command* command =
      program.add_subcommand("evaluate", "Measure accuracy on labelled pictures, videos or sound");
  auto flags = std::make_shared<EvaluateFlags>();
  add_model(*command, flags->model);
  add_data_options(*command, flags);
  command
      ->add_option("--batch", flags->batch,
                   "Pictures, clips or windows to compute at once (default 8)")
      ->type_name("N");
  command->add_flag("--json", flags->json,
                    "Print one JSON object: images (or videos, or sounds), top1, top5\n"
                    "(per cent), map (per cent; mean average precision, where they may\n"
                    "be of several classes), images_per_second (of the arithmetic, not\n"
                    "of decoding), gflops_per_image, of all clips and windows together,\n"
                    "tokens_left, of each. With --prompt-kinds: images, masks,\n"
                    "kinds (kind, miou by the model's own choice of three masks,\n"
                    "best_miou of the best of them, ap, ap50, ap75, shares of 1),\n"
                    "encoder_ms, gflops_per_image, prompt_ms");
  add_mask_flags(*command, flags->masks);
  add_input_flags(*command, flags->input);
  add_read_flags(*command, flags->read);
  add_run_flags(*command, flags->run);
  add_keep_ratio(*command, flags->keep_ratio);
  add_merge_flags(*command, flags->merge);
  command->footer(
      "AP is COCO's (all areas from --least-area on, 100 detections), each prompt's best mask a\n"
      "detection, its estimate the score.\n\n"
      "Ctrl-C ends it with the accuracy so far, exit status 1.\n\n"
      "Examples:\n"
      "  fovea evaluate deit_small/ imagenet/val --r 13\n"
      "  fovea evaluate deit_small/ val/ --labels val.csv --classes number\n"
      "  fovea evaluate dinov2_small/ cifar.zip/test --train cifar.zip/train\n"
      "  fovea evaluate clip-vit-base-patch32/ val/ --text-features texts.npy \\\n"
      "    --classes-file names.txt\n"
      "  fovea evaluate sam/ coco/val2017 --prompt-kinds point,points3,box\n"
      "  fovea evaluate videomae/ kinetics/val --clips 5 --crops 3 --r 120\n"
      "  fovea evaluate ast/ audioset/eval --labels eval.csv --r 100");
  command->callback([flags, &status] {
    status = run_together([&](const Processes& processes) { return evaluate(*flags, processes); });
  });
}

}  // namespace fovea::cli
