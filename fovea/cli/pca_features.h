// Features of patches of all files, and the colours of their first principal components.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/fovea.h"
#include "fovea/report/groups.h"
#include "fovea/report/principal.h"

namespace fovea::cli {

// Of a layer, or of the model's end.
struct PcaFeatures {
  Array rows;                        // [patches that are left, C]
  std::vector<int32_t> row_of = {};  // of each patch of every file; kRemoved where it was dropped
  PrincipalComponents components = {};
  std::vector<Rgb> colours = {};  // of each row: red, green and blue are the components

  // The rows of file `index`, of `patches` each.
  std::span<const int32_t> rows_of(size_t index, int64_t patches) const;
};

// What a run must keep for it: the features that leave `layers`, counted from 1, or where there
// are none the model's own, behind its last norm.
void ask_for_features(const std::vector<int>& layers, RunOptions& options);
// As many as there are layers, one at least, without rows. Throws Error where the features of so
// many files, of `patches` each, are too many to be kept.
std::vector<PcaFeatures> empty_features(const Model& model, const std::vector<int>& layers,
                                        int64_t patches, size_t files);
// Adds those of an image of a run. shown: the patches, of rows of `columns`, that the file
// reaches; others are left out.
void append(const Result& result, int64_t image, int prefix, const std::vector<int>& layers,
            int columns, const Grid& shown, std::vector<PcaFeatures>& all);
// Finds the components of each. Throws Error where no patch is left.
void fit(std::vector<PcaFeatures>& all);

// A picture with every patch in the colour of its row, black where it was dropped. rows: of each of
// its patches.
Image draw_components(const Image& picture, const PatchLabels& rows, const PcaFeatures& features);

// Says what was drawn of a file.
void print_components(const std::filesystem::path& picture, const std::filesystem::path& file,
                      int64_t patches, const std::vector<int>& layers,
                      const std::vector<PcaFeatures>& all, bool json);

}  // namespace fovea::cli
