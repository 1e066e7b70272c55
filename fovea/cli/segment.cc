// fovea segment: pictures and prompts in, Segment Anything's masks out.
#include <algorithm>
#include <memory>
#include <optional>
#include <span>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/open_segmenter.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/progress.h"
#include "fovea/cli/prompt_flags.h"
#include "fovea/cli/segment_output.h"
#include "fovea/cli/speedup.h"
#include "fovea/io/fail.h"
#include "fovea/segment/embedding_file.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

struct EverythingFlags {
  bool wanted = false;
  std::string points_per_side = "32";
  std::string least_iou = "0.88";
  std::string least_stability = "0.95";
  std::string most_overlap = "0.7";
};

struct Flags {
  std::string model, size, embedding, keep_ratio;
  PictureFlags pictures;
  PromptFlags prompts;
  EverythingFlags everything;
  SegmentOutputFlags output;
  MergeFlags merge;
  RunFlags run;
};

// What is asked of every picture.
struct Questions {
  std::vector<FilePrompt> prompts;
  std::optional<EverythingOptions> everything;
};

EverythingOptions everything_options(const EverythingFlags& flags) {
  EverythingOptions options;
  options.points_per_side = parse_whole("--points-per-side", flags.points_per_side, 1, 1024);
  options.least_iou = parse_number("--pred-iou-thresh", flags.least_iou, 0, 1);
  options.least_stability = parse_number("--stability-score-thresh", flags.least_stability, 0, 1);
  options.most_overlap = parse_number("--box-nms-thresh", flags.most_overlap, 0, 1);
  return options;
}

Questions questions_of(const Flags& flags) {
  Questions questions{prompts_of(flags.prompts), {}};
  if (flags.everything.wanted) questions.everything = everything_options(flags.everything);
  if (questions.everything && !questions.prompts.empty()) {
    fail("--everything: with --point, --box or --prompts; expected one of both");
  }
  return questions;
}

// Those of the command line, else those that prompts name, else that of the embedding.
Pictures pictures_of(const Flags& flags, const Questions& questions) {
  Pictures pictures;
  pictures.read = read_options(flags.pictures.read);
  if (!flags.pictures.paths.empty()) {
    pictures = find_pictures(flags.pictures);
  } else if (!flags.embedding.empty()) {
    const std::string name = read_embedding(flags.embedding).picture;
    pictures.paths = {name.empty() ? flags.embedding : name};
  } else {
    pictures.paths = named_pictures(questions.prompts);
  }
  if (pictures.paths.empty()) fail("no picture; expected an IMAGE, or --embedding");
  check_named_pictures(questions.prompts, pictures.paths);
  if (!flags.embedding.empty() && pictures.paths.size() > 1) {
    fail("--embedding {}: for {} pictures; expected the one that it is of",
         printable(flags.embedding), pictures.paths.size());
  }
  return pictures;
}

// Asks one picture after the other.
class Asking {
 public:
  Asking(const Flags& flags, Questions questions, Pictures pictures)
      : flags_(flags),
        questions_(std::move(questions)),
        pictures_(std::move(pictures)),
        output_(flags.output, questions_.everything.has_value(), flags.model, pictures_.paths),
        run_(run_options(merge_options(flags.merge), flags.keep_ratio)),
        segmenter_(open_questioned(run_)) {
    side_ = square_side(flags.size, segmenter_.encoder().architecture());
    const int side = side_ > 0 ? side_ : segmenter_.side();
    resolve_speedup(flags.merge, flags.model, segmenter_.encoder().architecture(), {side, side},
                    run_);
  }

  // The exit status.
  int run() {
    Progress progress(pictures_.paths.size());
    const size_t count = pictures_.paths.size() + pictures_.skipped;
    size_t failed = 0;
    for (const fs::path& picture : pictures_.paths) {
      std::optional<Asked> asked;
      try {
        asked = ask(picture);
      } catch (const Error& error) {
        if (count == 1) throw;
        progress.clear();
        complain(std::string("skipped: ") + error.what());
        ++failed;
      }
      progress.clear();
      if (asked) write(*asked);
      progress.advance(1);
    }
    progress.clear();
    tell_counts(pictures_.read);
    if (failed == pictures_.paths.size()) fail("none of {} pictures could be segmented", count);
    output_.finish();
    return failed + pictures_.skipped == 0 ? kDone : kSomeSkipped;
  }

 private:
  struct Asked {
    SegmentedPicture picture;
    EncodedPicture encoded;
    std::vector<AskedPrompt> prompts;
    std::vector<PromptMasks> answers;
    std::vector<FoundMask> found;
  };

  Segmenter open_questioned(const RunOptions& run) const {
    if (output_.wants_masks() && questions_.prompts.empty() && !questions_.everything) {
      fail("nothing is asked; expected --point, --box, --prompts or --everything");
    }
    if (output_.needs_pixels() && !flags_.embedding.empty() && flags_.pictures.paths.empty()) {
      fail("--embedding {}: holds no picture to draw on; expected an IMAGE as well",
           printable(flags_.embedding));
    }
    return open_segmenter(flags_.model, load_options(flags_.run), run);
  }

  EncodedPicture encode(const fs::path& path, std::optional<Image>& image) const {
    if (flags_.embedding.empty()) {
      image = read_image(path, pictures_.read);
      return segmenter_.encode(*image, {side_, run_.merge, run_.keep_ratio}, path.string());
    }
    EncodedPicture encoded = segmenter_.open(flags_.embedding, side_);
    if (flags_.pictures.paths.empty()) return encoded;
    image = read_image(path, pictures_.read);
    const PicturePlace& place = encoded.placement();
    if (image->width != place.width || image->height != place.height) {
      fail("{}: {} x {} pixels; expected {} x {}, as the picture of {} had", path.string(),
           image->width, image->height, place.width, place.height, flags_.embedding);
    }
    return encoded;
  }

  Asked ask(const fs::path& path) const {
    std::optional<Image> image;
    // Not within the aggregate: g++ 12 destroys its parts twice where this throws.
    EncodedPicture encoded = encode(path, image);
    if (!output_.needs_pixels()) image.reset();
    const PicturePlace& place = encoded.placement();
    SegmentedPicture picture{path, place.width, place.height, std::move(image)};
    Asked asked{
        std::move(picture), std::move(encoded), prompts_for(questions_.prompts, path), {}, {}};
    if (!output_.wants_masks()) return asked;
    if (questions_.everything) {
      asked.found = segmenter_.everything(asked.encoded, *questions_.everything);
      return asked;
    }
    if (asked.prompts.empty()) fail("{}: no prompt is for it", path.string());
    try {
      asked.answers = answers_to(asked.prompts, asked.encoded);
    } catch (const Error& error) {
      fail("{}: {}", path.string(), error.what());
    }
    return asked;
  }

  std::vector<PromptMasks> answers_to(const std::vector<AskedPrompt>& asked,
                                      const EncodedPicture& picture) const {
    std::vector<Prompt> prompts;
    for (const AskedPrompt& prompt : asked) {
      prompts.push_back(prompt.prompt);
      // For messages.
      const bool nameless = prompt.prompt.name.empty() && questions_.prompts.size() > 1;
      if (nameless) prompts.back().name = std::to_string(prompt.number);
    }
    // Logits take more memory than all else, and nobody asks for them here: few at once.
    constexpr size_t kAtOnce = 32;
    std::vector<PromptMasks> answers;
    for (size_t begin = 0; begin < prompts.size(); begin += kAtOnce) {
      const auto group =
          std::span(prompts).subspan(begin, std::min(kAtOnce, prompts.size() - begin));
      for (PromptMasks& answer : segmenter_.ask(picture, group)) {
        answers.push_back({std::move(answer.masks), std::move(answer.iou), {}});
      }
    }
    return answers;
  }

  void write(const Asked& asked) {
    output_.write_embedding(asked.picture.path, asked.encoded);
    if (questions_.everything) {
      output_.write(asked.picture, asked.found);
    } else if (output_.wants_masks()) {
      output_.write(asked.picture, asked.prompts, asked.answers);
    }
    flush_output();
  }

  const Flags& flags_;
  Questions questions_;
  Pictures pictures_;
  SegmentOutput output_;
  RunOptions run_;
  Segmenter segmenter_;
  int side_ = 0;
};

int segment(const Flags& flags) {
  Questions questions = questions_of(flags);
  Pictures pictures = pictures_of(flags, questions);
  return Asking(flags, std::move(questions), std::move(pictures)).run();
}

void add_everything_flags(Command& command, EverythingFlags& flags) {
  const std::string group = "Everything mode";
  command.add_flag("--everything", flags.wanted,
                   "All that there is in the picture, instead of prompts: a grid of\n"
                   "points is asked, and those masks stay that the model is sure of");
  command
      .add_option("--points-per-side", flags.points_per_side,
                  "Points along each side of the grid (default 32)")
      ->type_name("N")
      ->group(group);
  command
      .add_option("--pred-iou-thresh", flags.least_iou,
                  "Masks stay whose estimate is above this (default 0.88)")
      ->type_name("X")
      ->group(group);
  command
      .add_option("--stability-score-thresh", flags.least_stability,
                  "And of which this share stays where the line is drawn at a logit\n"
                  "of 1 instead of -1 (default 0.95)")
      ->type_name("X")
      ->group(group);
  command
      .add_option("--box-nms-thresh", flags.most_overlap,
                  "Of two whose boxes' intersection is more than this of their union\n"
                  "the better one stays (default 0.7)")
      ->type_name("X")
      ->group(group);
}

}  // namespace

void add_segment(Command& program, int& status) {
  Command* command =
      program.add_subcommand("segment", "Cut out of pictures what points and boxes mean");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  add_picture_paths(*command, flags->pictures, "IMAGE", false);
  add_prompt_flags(*command, flags->prompts);
  add_everything_flags(*command, flags->everything);
  add_segment_output_flags(*command, flags->output);
  command
      ->add_option("--embedding", flags->embedding,
                   "Ask a picture that --save-embedding kept, instead of encoding it\n"
                   "again; IMAGE is then only drawn on, and may be missing")
      ->type_name("FILE");
  command
      ->add_option("--size", flags->size,
                   "Side of the square, in pixels, that pictures are put in\n"
                   "(default: what the model was made for)")
      ->type_name("S");
  add_run_flags(*command, flags->run);
  add_keep_ratio(*command, flags->keep_ratio);
  add_merge_flags(*command, flags->merge);
  command->footer(
      "MODEL is a Segment Anything. Examples: the mask of what a point lies in:\n"
      "  fovea segment sam_vit_b/ dog.jpg --point 310,200 -o mask.png\n"
      "What a box holds, but for what one point lies in, as an overlay and as JSON:\n"
      "  fovea segment sam_vit_b/ dog.jpg --box 90,40,500,420 --point 120,60,0 \\\n"
      "    --overlay dog.png --json\n"
      "All that there is, as COCO's results:\n"
      "  fovea segment sam_vit_b/ photos/ --everything -o masks.json");
  command->callback([flags, &status] { status = segment(*flags); });
}

}  // namespace fovea::cli
