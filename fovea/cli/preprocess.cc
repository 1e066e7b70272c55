// fovea preprocess: pictures, videos or sound in, what a model is given of them out.
#include <algorithm>
#include <memory>
#include <optional>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/feature_rows.h"
#include "fovea/cli/media_files.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/io/error.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "fovea/model/stored.h"
#include "fovea/model/usual_preprocessing.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, size, output, heads, key;
  std::string stage = "input";
  std::string stride;
  PictureFlags pictures;
};

InputSpec spec_of(const Flags& flags, const Architecture& architecture, const Config& config) {
  InputSpec spec = input_spec(architecture, config);
  if (spec.medium == Medium::sound) {
    const Grid size = input_size(flags.size, architecture);
    spec.sound.frames = size.rows;
    spec.sound.filters = size.columns;
  } else if (spec.medium == Medium::video || flags.stage == "input") {
    spec.pictures = preprocessing_of(flags.size, architecture, config);
  }
  if (flags.stride.empty()) return spec;
  if (spec.medium != Medium::video) {
    fail("--stride {}: {} is no model of videos", printable(flags.stride), printable(flags.model));
  }
  constexpr int kMostStride = 1'000'000;
  spec.stride = parse_whole("--stride", flags.stride, 1, kMostStride);
  return spec;
}

// How the model wants its inputs; its weights stay where they are.
InputSpec spec_of(const Flags& flags) {
  const int heads = parse_heads(flags.heads);
  if (is_named(flags.model)) {
    const Architecture architecture = named_model(flags.model, heads, flags.key);
    Config config;
    set_usual_preprocessing(architecture, config);
    return spec_of(flags, architecture, config);
  }
  const StoredModel model = open_stored(flags.model, heads, flags.key);
  return spec_of(flags, model.architecture, model.config);
}

int write_inputs(const Flags& flags, const Pictures& pictures, const Preprocessing& spec) {
  FeatureRows rows({3, spec.height, spec.width}, false, false);
  Progress progress(pictures.paths.size());
  const int status = read_pictures(pictures, spec, 2, progress, [&](const PictureBatch& batch) {
    const auto each = static_cast<int64_t>(batch.images.data.size() / batch.indices.size());
    for (size_t i = 0; i < batch.indices.size(); ++i) {
      const auto row = batch.images.data.begin() + static_cast<int64_t>(i) * each;
      rows.add(batch.indices[i], {row, row + each});
    }
    progress.advance(batch.indices.size());
    return true;
  });
  rows.write({flags.output, {}, false, {}}, pictures.paths);
  return status;
}

std::optional<Image> read_or_skip(const MediaFiles& files, int64_t index) {
  try {
    return files.read(index);
  } catch (const Error& error) {
    complain(std::string("skipped: ") + error.what());
    return std::nullopt;
  }
}

// The decoded pictures, [N, H, W, 3] of bytes, which must all have one size.
int write_frames(const Flags& flags, const Pictures& pictures) {
  const MediaFiles files(pictures.paths, pictures.read);
  std::vector<Image> frames;
  std::string first_name;
  for (int64_t i = 0; i < files.size(); ++i) {
    std::optional<Image> frame = read_or_skip(files, i);
    if (!frame) continue;
    if (frames.empty()) first_name = files.name(i);
    frames.push_back(std::move(*frame));
    const Image& first = frames.front();
    const Image& last = frames.back();
    if (last.width != first.width || last.height != first.height) {
      fail("{}: is {} x {} pixels, {} is {} x {}; expected pictures of one size for --stage raw",
           files.name(i), last.width, last.height, first_name, first.width, first.height);
    }
  }
  if (frames.empty()) fail("none of {} pictures could be read", pictures.paths.size());
  const Shape shape = {static_cast<int64_t>(frames.size()), frames[0].height, frames[0].width, 3};
  write_atomically(flags.output, [&](std::ostream& out) {
    out << npy_header(shape, "|u1");
    for (const Image& frame : frames) {
      out.write(reinterpret_cast<const char*>(frame.rgb.data()),
                static_cast<std::streamsize>(frame.rgb.size()));
    }
  });
  const bool is_all = pictures.skipped == 0 && frames.size() == pictures.paths.size();
  return is_all ? kDone : kSomeSkipped;
}

int preprocess(const Flags& flags) {
  if (flags.stage != "input" && flags.stage != "raw") {
    fail("--stage {}: expected input or raw", printable(flags.stage));
  }
  if (!flags.output.ends_with(".npy")) {
    fail("--output {}: expected a name that ends in .npy", printable(flags.output));
  }
  check_can_write(flags.output, flags.model);
  const bool is_raw = flags.stage == "raw";
  const InputSpec spec = spec_of(flags);
  const Pictures files = find_pictures(flags.pictures, Processes::alone(), spec.medium);
  if (spec.medium == Medium::picture) {
    return is_raw ? write_frames(flags, files) : write_inputs(flags, files, spec.pictures);
  }
  return is_raw ? write_raw_media(files, spec, flags.output)
                : write_media_inputs(files, spec, flags.output);
}

}  // namespace

void add_preprocess(Command& program, int& status) {
  Command* command = program.add_subcommand(
      "preprocess", "Write what a model is given of pictures, videos or sound");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  add_picture_flags(*command, flags->pictures, "FILES");
  command
      ->add_option("-o,--output", flags->output,
                   "File to write, .npy: what fovea forward --input takes,\n"
                   "[files, 3, height, width]; of videos, and of folders that hold\n"
                   "pictures and no video, [files, 3, frames, height, width], the clip\n"
                   "in the middle of each; of sound [files, frames, mel bins], its\n"
                   "beginning")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--stage", flags->stage,
                   "input (the default), or raw: the decoded pictures, of bytes,\n"
                   "[pictures, height, width, 3], which must all have one size; of one\n"
                   "video its frames, [frames, height, width, 3]; of one sound all its\n"
                   "log mel filter banks, [frames, mel bins]")
      ->type_name("STAGE");
  command
      ->add_option("--stride", flags->stride,
                   "Of videos: how many frames from one of a clip to the next (default 4)")
      ->type_name("N");
  add_size(*command, flags->size);
  add_heads(*command, flags->heads);
  add_key(*command, flags->key);
  command->footer(
      "Example: the inputs of two pictures, and what a model makes of them:\n"
      "  fovea preprocess vit_base/ cat.jpg dog.jpg -o input.npy\n"
      "  fovea forward vit_base/ --input input.npy --output out.safetensors\n"
      "FILES of a model of videos are those that FFmpeg reads, and folders; of one of\n"
      "sound WAV, FLAC, Ogg, MP3, m4a and the sound of videos.");
  command->callback([flags, &status] { status = preprocess(*flags); });
}

}  // namespace fovea::cli
