#include "fovea/cli/visualize_pca.h"

#include <algorithm>

#include "fovea/cli/pca_features.h"
#include "fovea/report/groups.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

// The patches that a picture reaches: all, but where it fills a corner.
Grid shown_patches(const fs::path& picture, const ReadOptions& read, const PcaDrawing& plan) {
  if (plan.spec.fit != Fit::corner) return plan.patches;
  const Image seen = seen_picture(picture, read, plan.spec, plan.seen, 1);
  const Grid patch = plan.seen / plan.patches;
  return {(seen.height + patch.rows - 1) / patch.rows,
          (seen.width + patch.columns - 1) / patch.columns};
}

Image panel_of(const Image& picture, const PcaFeatures& features, size_t index,
               const PcaDrawing& plan) {
  const Grid& patches = plan.patches;
  const Grid patch = plan.seen / patches * Grid(plan.enlarged, plan.enlarged);
  const std::span<const int32_t> rows = features.rows_of(index, patches.size());
  return draw_components(
      picture,
      {patches.rows, patches.columns, {rows.begin(), rows.end()}, patch.rows, patch.columns},
      features);
}

}  // namespace

int draw_pca(const Model& model, const Pictures& pictures, RunOptions options,
             const PcaDrawing& plan, DrawingWriter& writer) {
  std::vector<PcaFeatures> all =
      empty_features(model, plan.layers, plan.patches.size(), pictures.paths.size());
  ask_for_features(plan.layers, options);
  std::vector<fs::path> seen;
  ReadOptions again = pictures.read;
  again.counts = nullptr;
  const int prefix = model.architecture().prefix();
  const int status =
      run_pictures(model, pictures, plan.spec, options,
                   [&](const fs::path& picture, int64_t image, const Result& result) {
                     seen.push_back(picture);
                     append(result, image, prefix, plan.layers, plan.patches.columns,
                            shown_patches(picture, again, plan), all);
                   });
  fit(all);
  std::vector<fs::path> files;
  for (size_t i = 0; i < seen.size(); ++i) {
    const Image picture = seen_picture(seen[i], again, plan.spec, plan.seen, plan.enlarged);
    std::vector<Image> panels = {picture};
    for (const PcaFeatures& features : all) {
      panels.push_back(panel_of(picture, features, i, plan));
    }
    files.push_back(writer.add(seen[i], std::move(panels)));
  }
  writer.finish();
  for (size_t i = 0; i < seen.size(); ++i) {
    print_components(seen[i], files[i], plan.patches.size(), plan.layers, all, plan.json);
  }
  return status;
}

}  // namespace fovea::cli
