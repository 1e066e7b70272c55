// fovea visualize --pca: the first three principal components of patch features as colours.
#pragma once

#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/cli/drawings.h"
#include "fovea/cli/pictures.h"

namespace fovea::cli {

// What of every picture is drawn.
struct PcaDrawing {
  Preprocessing spec;  // of the model's input
  Grid patches;
  Grid seen;                // by them, in pixels of the input
  std::vector<int> layers;  // the features that leave these, counted from 1; none: the model's own,
                            // behind its last norm
  int enlarged;             // panels are so many times larger than the input
  bool json;
};

// Features of all pictures together make the components, of each layer its own. Draws all and says
// what was drawn; returns the exit status of the run. Throws Error where there are too many
// pictures to keep the features of.
int draw_pca(const Model& model, const Pictures& pictures, RunOptions options,
             const PcaDrawing& plan, DrawingWriter& writer);

}  // namespace fovea::cli
