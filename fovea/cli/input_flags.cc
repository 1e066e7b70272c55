#include "fovea/cli/input_flags.h"

#include "fovea/cli/options.h"
#include "fovea/io/fail.h"

namespace fovea::cli {

void add_stride(Command& command, InputFlags& flags) {
  command
      .add_option("--stride", flags.stride,
                  "Of videos: how many frames from one of a clip to the next (default 4)")
      ->type_name("N");
}

InputSpec input_spec_of(const InputFlags& flags, const std::string& model,
                        const Architecture& architecture, const Config& config) {
  InputSpec spec = input_spec(architecture, config);
  if (!flags.stride.empty()) {
    if (spec.medium != Medium::video) {
      fail("--stride {}: {} is no model of videos", printable(flags.stride), printable(model));
    }
    constexpr int kMostStride = 1'000'000;
    spec.stride = parse_whole("--stride", flags.stride, 1, kMostStride);
  }
  if (spec.medium == Medium::sound) {
    const Grid size = input_size(flags.size, architecture);
    spec.sound.frames = size.rows;
    spec.sound.filters = size.columns;
  } else {
    spec.pictures = preprocessing_of(flags.size, architecture, config);
  }
  return spec;
}

}  // namespace fovea::cli
