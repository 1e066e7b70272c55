#include "fovea/cli/evaluate_masks.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/open_segmenter.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/progress.h"
#include "fovea/cli/speedup.h"
#include "fovea/data/segmented.h"
#include "fovea/io/fail.h"
#include "fovea/model/cost.h"
#include "fovea/report/mask_scores.h"
#include "fovea/segmenter.h"

namespace fovea::cli {
namespace {

using Clock = std::chrono::steady_clock;

// Runs a part and adds the seconds that it took.
template <typename Part>
auto timed(double& seconds, const Part& part) {
  const Clock::time_point start = Clock::now();
  auto result = part();
  seconds += std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

struct Measured {
  explicit Measured(const MaskScoring& scoring) : scores(scoring) {}

  MaskScores scores;
  int64_t images = 0;
  int64_t prompts = 0;
  int64_t skipped = 0;
  double encode_seconds = 0;
  double ask_seconds = 0;
};

void check_goes_with_masks(const EvaluateFlags& flags, const Processes& processes) {
  const std::pair<const char*, bool> of_classes[] = {
      {"--labels", !flags.labels.empty()},  {"--classes", !flags.classes.empty()},
      {"--train", !flags.train.empty()},    {"--knn", !flags.knn.empty()},
      {"--allow-empty", flags.allow_empty}, {"--text-features", flags.texts.any()}};
  for (const auto& [option, is_typed] : of_classes) {
    if (is_typed) fail("{}: does not go with --prompt-kinds, which needs no classes", option);
  }
  if (processes.size() > 1) {
    fail("--prompt-kinds: {} processes; expected one", processes.size());
  }
}

MaskScoring scoring_of(const MaskFlags& flags) {
  constexpr int kMost = 1'000'000'000;
  MaskScoring scoring;
  scoring.kinds = parse_prompt_kinds(flags.kinds, "--prompt-kinds");
  scoring.seed = parse_whole("--prompt-seed", flags.seed, 0, kMost);
  scoring.least_area = parse_whole("--least-area", flags.least_area, 0, kMost);
  return scoring;
}

// How the encoder runs, and the side of its square.
EncodeOptions encode_options(const EvaluateFlags& flags, const Segmenter& segmenter) {
  const Architecture& a = segmenter.encoder().architecture();
  RunOptions run = run_options(merge_options(flags.merge), flags.keep_ratio);
  EncodeOptions options;
  const int typed = square_side(flags.input.size, a);
  options.side = typed > 0 ? typed : segmenter.side();
  resolve_speedup(flags.merge, flags.model, a, {options.side, options.side}, run);
  check_fits(run.merge, a);
  options.merge = run.merge;
  options.keep_ratio = run.keep_ratio;
  return options;
}

void measure(const Segmenter& segmenter, const EncodeOptions& options,
             const SegmentedPictures& pictures, int64_t i, Measured& measured) {
  const SegmentedPicture picture = read_segmented(pictures, i);
  const EncodedPicture encoded = timed(measured.encode_seconds, [&] {
    return segmenter.encode(picture.image, options, pictures.name(i));
  });
  measured.scores.add(i, picture.masks, [&](std::span<const Prompt> prompts) {
    std::vector<PromptMasks> found =
        timed(measured.ask_seconds, [&] { return segmenter.ask(encoded, prompts); });
    measured.prompts += static_cast<int64_t>(prompts.size());
    std::vector<MaskAnswer> answers;
    answers.reserve(found.size());
    for (PromptMasks& masks : found) {
      answers.push_back({std::move(masks.masks), std::move(masks.iou)});
    }
    return answers;
  });
  ++measured.images;
}

void print_kinds(const Measured& measured) {
  print(fmt::format("images        {}\nmasks         {}\n", measured.images,
                    measured.scores.masks()));
  for (const auto& [kind, iou, precision] : measured.scores.kinds()) {
    print(fmt::format(
        "{:<8}      mIoU {:.4f}, of the best mask {:.4f}; AP {:.4f}, AP50 {:.4f}, AP75 {:.4f}\n",
        name_of(kind), iou.mean_by_estimate(), iou.mean_best(), precision.average(),
        precision.at(0), precision.at(MaskScores::kAp75)));
  }
}

void print_measured(const Measured& measured, double gflops, bool json) {
  const auto images = static_cast<double>(measured.images);
  const double encode_ms = 1000 * measured.encode_seconds / images;
  const double ask_ms = measured.prompts == 0
                            ? 0
                            : 1000 * measured.ask_seconds / static_cast<double>(measured.prompts);
  if (!json) {
    print_kinds(measured);
    print(
        fmt::format("encoder       {:.2f} ms/image, {:.3f} GFLOPs\nprompts       {:.2f} ms each\n",
                    encode_ms, gflops, ask_ms));
    return;
  }
  nlohmann::ordered_json line = {{"images", measured.images}, {"masks", measured.scores.masks()}};
  for (const auto& [kind, iou, precision] : measured.scores.kinds()) {
    line["kinds"].push_back({{"kind", name_of(kind)},
                             {"miou", iou.mean_by_estimate()},
                             {"best_miou", iou.mean_best()},
                             {"ap", precision.average()},
                             {"ap50", precision.at(0)},
                             {"ap75", precision.at(MaskScores::kAp75)}});
  }
  line["encoder_ms"] = encode_ms;
  line["gflops_per_image"] = gflops;
  line["prompt_ms"] = ask_ms;
  print_json_line(line);
}

}  // namespace

void add_mask_flags(Command& command, MaskFlags& flags) {
  command
      .add_option("--prompt-kinds", flags.kinds,
                  "Of Segment Anything: how well masks are found by these prompts,\n"
                  "drawn from the true masks: point, points3, box. FOLDER is in\n"
                  "COCO's layout (instances*.json in it, or for a folder NAME\n"
                  "../annotations/instances_NAME.json), or has label maps ID-0.png,\n"
                  "ID-1.png, ... beside ID.jpg")
      ->type_name("KIND,...");
  command
      .add_option("--least-area", flags.least_area,
                  "Smaller masks don't count, in pixels (default 100)")
      ->type_name("N");
  command.add_option("--prompt-seed", flags.seed, "Of the prompts that are drawn (default 0)")
      ->type_name("N");
}

int evaluate_masks(const EvaluateFlags& flags, const Processes& processes) {
  check_goes_with_masks(flags, processes);
  const MaskScoring scoring = scoring_of(flags.masks);
  const ReadOptions read = read_options(flags.read);
  const std::unique_ptr<SegmentedPictures> pictures = open_segmented(flags.folder, "", read);
  note_left_out(pictures->left_out());
  const Segmenter segmenter = Segmenter::load(flags.model, load_options(flags.run));
  print_notes(segmenter.encoder());
  const EncodeOptions options = encode_options(flags, segmenter);
  const Architecture& a = segmenter.encoder().architecture();
  const Grid square = {options.side, options.side};
  const double gflops = cost(a, square, options.merge, options.keep_ratio).gflops;

  const Interrupt interrupt;
  Measured measured(scoring);
  Progress progress(pictures->size());
  for (int64_t i = 0; i < pictures->size() && !interrupt.happened(); ++i) {
    try {
      measure(segmenter, options, *pictures, i, measured);
    } catch (const Error& error) {
      if (pictures->size() == 1) throw;
      progress.clear();
      complain(std::string("skipped: ") + error.what());
      ++measured.skipped;
    }
    progress.advance(1);
  }
  progress.clear();
  tell_counts(read);
  if (measured.images == 0) fail("{}: none of its pictures could be read", flags.folder);
  if (interrupt.happened()) {
    note(fmt::format("interrupted: this is of {} pictures of {}", measured.images,
                     pictures->size()));
  }
  print_measured(measured, gflops, flags.json);
  return interrupt.happened() || measured.skipped > 0 ? kSomeSkipped : kDone;
}

}  // namespace fovea::cli
