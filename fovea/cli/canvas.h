// What the tokens of a video or a sound are drawn on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "fovea/data/model_input.h"
#include "fovea/report/groups.h"
#include "fovea/report/spectrogram.h"

namespace fovea::cli {

struct Canvas {
  Array input;                       // of the model, a batch of one
  std::vector<Image> pictures;       // the frames of a clip, or one of a spectrogram
  std::vector<PatchLabels> patches;  // of each: the number of the patch that lies there
  std::optional<double> seconds;     // that they show, where something tells it
  // Of sound, whose tokens have the colours of their mean levels.
  std::optional<Spectrogram> spectrogram;
};

// A clip as the model sees it: resized and cropped, without a margin that fills no patch, each
// frame `enlarged` times as large. A spectrogram without padding; where patches overlap each point
// belongs to the patch whose centre is nearest, so that each has a cell as large as the stride.
// Throws Error naming the file.
Canvas read_canvas(const std::filesystem::path& file, const ReadOptions& read,
                   const InputSpec& spec, const Architecture& architecture, int enlarged);

// The pictures with every token in its mean colour, lines between them. tokens: of each patch.
std::vector<Image> draw_tokens(const Canvas& canvas, std::span<const int32_t> tokens);

}  // namespace fovea::cli
