#include "fovea/cli/input_flags.h"

#include <cmath>
#include <utility>

#include "fovea/cli/options.h"
#include "fovea/data/folder.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

constexpr int kMostStride = 1'000'000;
constexpr int kMostClips = 1000;
constexpr double kMostSeconds = 1e6;
constexpr double kSecondsOfStep = 0.01;  // from one frame of the filter banks to the next

// Throws Error where an option of one medium was typed for a model of another.
void check_medium(const char* option, const std::string& text, Medium of, const std::string& model,
                  const Architecture& architecture) {
  if (text.empty() || architecture.medium == of) return;
  fail("{} {}: {} is no model of {}", option, printable(text), printable(model),
       of == Medium::sound ? "sound" : many_of(of));
}

int parse_crops(const std::string& text) {
  if (text != "1" && text != "3") fail("--crops {}: expected 1 or 3", printable(text));
  return text == "3" ? 3 : 1;
}

}  // namespace

void add_stride(Command& command, InputFlags& flags) {
  command
      .add_option("--stride", flags.stride,
                  "Of videos: how many frames from one of a clip to the next (default 4)")
      ->type_name("N")
      ->group("Videos and sound");
}

void add_input_flags(Command& command, InputFlags& flags) {
  add_size(command, flags.size);
  const std::string group = "Videos and sound";
  add_stride(command, flags);
  command
      .add_option("--clips", flags.clips,
                  "Of videos: clips of each, spread evenly from its beginning to its\n"
                  "end (default 1, in the middle)")
      ->type_name("N")
      ->group(group);
  command
      .add_option("--crops", flags.crops,
                  "Of videos: 3 takes three parts of each clip, the two ends of the\n"
                  "longer side and its centre (default 1, the centre)")
      ->type_name("1|3")
      ->group(group);
  command
      .add_option("--hop", flags.hop,
                  "Of sound that is longer than an input: seconds from the beginning\n"
                  "of one window to that of the next (default: as long as a window,\n"
                  "side by side)")
      ->type_name("SECONDS")
      ->group(group);
}

InputSpec input_spec_of(const InputFlags& flags, const std::string& model,
                        const Architecture& architecture, const Config& config) {
  InputSpec spec = input_spec(architecture, config);
  for (const auto& [option, text] : {std::pair{"--stride", &flags.stride},
                                     {"--clips", &flags.clips},
                                     {"--crops", &flags.crops}}) {
    check_medium(option, *text, Medium::video, model, architecture);
  }
  check_medium("--hop", flags.hop, Medium::sound, model, architecture);
  if (!flags.stride.empty()) spec.stride = parse_whole("--stride", flags.stride, 1, kMostStride);
  if (!flags.clips.empty()) spec.clips = parse_whole("--clips", flags.clips, 1, kMostClips);
  if (!flags.crops.empty()) spec.crops = parse_crops(flags.crops);
  if (spec.medium != Medium::sound) {
    spec.pictures = preprocessing_of(flags.size, architecture, config);
    return spec;
  }
  const Grid size = input_size(flags.size, architecture);
  spec.sound.frames = size.rows;
  spec.sound.filters = size.columns;
  spec.hop = spec.sound.frames;
  if (!flags.hop.empty()) {
    const double seconds = parse_number("--hop", flags.hop, kSecondsOfStep, kMostSeconds);
    spec.hop = static_cast<int>(std::lround(seconds / kSecondsOfStep));
  }
  return spec;
}

InputSpec input_spec_of(const InputFlags& flags, const std::string& model, const Model& opened) {
  return input_spec_of(flags, model, opened.architecture(), opened.config());
}

InputSpec single_input_of(const std::string& model, const Model& opened) {
  InputSpec spec = input_spec_of({}, model, opened);
  spec.hop = 0;
  return spec;
}

}  // namespace fovea::cli
