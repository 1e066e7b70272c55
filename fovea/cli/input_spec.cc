#include "fovea/cli/input_spec.h"

#include "fovea/cli/console.h"
#include "fovea/cli/options.h"
#include "fovea/io/fail.h"

namespace fovea::cli {

void add_stride(Command& command, std::string& stride) {
  command
      .add_option("--stride", stride,
                  "Of videos: how many frames from one of a clip to the next (default 4)")
      ->type_name("N");
}

InputSpec input_spec_of(const std::string& size, const std::string& stride,
                        const std::string& model, const Architecture& architecture,
                        const Config& config) {
  InputSpec spec = input_spec(architecture, config);
  if (!stride.empty()) {
    if (spec.medium != Medium::video) {
      fail("--stride {}: {} is no model of videos", printable(stride), printable(model));
    }
    constexpr int kMostStride = 1'000'000;
    spec.stride = parse_whole("--stride", stride, 1, kMostStride);
  }
  if (spec.medium == Medium::sound) {
    const Grid input = input_size(size, architecture);
    spec.sound.frames = input.rows;
    spec.sound.filters = input.columns;
  } else {
    spec.pictures = preprocessing_of(size, architecture, config);
  }
  return spec;
}

}  // namespace fovea::cli
