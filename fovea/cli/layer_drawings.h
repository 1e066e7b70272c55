// What fovea visualize chooses, and says, alike of pictures, videos and sound.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/cli/merge_flags.h"
#include "fovea/fovea.h"
#include "fovea/report/groups.h"

namespace fovea::cli {

// Layers after which to draw, counted from 1: those of the text, else all where that is wished,
// else the last; of a big.LITTLE model layers in which to draw, where a new route begins or where
// there is one. Throws Error where the text names none, or not in order.
std::vector<int> layers_to_draw(const std::string& text, const Architecture& architecture,
                                bool want_all);

// Sets r to as many as --speedup comes to for inputs of `size`; where nothing was said of how many,
// to so many that a quarter of the patches is left; to none where there are routes to be seen.
void choose_r(const MergeFlags& flags, const std::string& model, const Architecture& architecture,
              const Grid& size, RunOptions& options);

// The token that each patch is part of after layer `layer`, from 1, of an image of a trace.
// prefix: tokens before the patches.
std::vector<int32_t> tokens_after(int layer, const IntArray& trace, int64_t image, int prefix);

// What was drawn of a file, for the user to read.
struct Drawn {
  std::filesystem::path picture, file;
  int64_t patches = 0;
  std::vector<int> layers;
  std::vector<int> groups;             // after each of the layers
  std::vector<int> on_route = {};      // in each: the patches on the big path, where there is one
  std::optional<double> seconds = {};  // that it shows
};
void print_drawn(const Drawn& drawn, bool json);
// Says where nothing merged in any.
void note_unmerged(const std::vector<Drawn>& all);

}  // namespace fovea::cli
