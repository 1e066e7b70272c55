// fovea visualize of videos and sound.
#pragma once

#include <vector>

#include "fovea/cli/drawings.h"
#include "fovea/cli/layer_drawings.h"
#include "fovea/cli/pictures.h"
#include "fovea/data/model_input.h"

namespace fovea::cli {

// What of every file is drawn.
struct MediaDrawing {
  InputSpec spec;
  std::vector<int> layers;  // after which, counted from 1
  bool is_animated;
  int enlarged;  // frames, or points of a spectrogram, are so many times larger than in the input
};

MediaDrawing media_drawing(const InputSpec& spec, std::vector<int> layers,
                           const DrawingOutput& output, size_t files);

// Draws each clip's frames, and below or beside them its tokens after each of the layers: from left
// to right, or one after the other at the video's own pace; of a sound its spectrogram, and below
// it the same, or one layer after the other. What was drawn is added to `all`; returns the exit
// status. Throws Error where nothing could be read.
int draw_media(const Model& model, const Pictures& files, RunOptions options,
               const MediaDrawing& plan, DrawingWriter& writer, std::vector<Drawn>& all);

// The same with patches in the colours of the principal components of their features: those that
// leave the layers, or where there are none the model's own, behind its last norm. Says what was
// drawn.
int draw_media_pca(const Model& model, const Pictures& files, RunOptions options,
                   const MediaDrawing& plan, DrawingWriter& writer, bool json);

}  // namespace fovea::cli
