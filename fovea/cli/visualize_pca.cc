#include "fovea/cli/visualize_pca.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fovea/cli/console.h"
#include "fovea/io/fail.h"
#include "fovea/report/groups.h"
#include "fovea/report/principal.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kComponents = 3;  // red, green, blue

// Of a layer, or of the model's end: features of the patches of all pictures, and what shows them.
struct Features {
  Array rows;  // [patches that are left, C]
  std::vector<int32_t> row_of =
      {};  // of each patch of every picture; kRemoved where it was dropped
  PrincipalComponents components = {};
  std::vector<Rgb> colours = {};  // of each row
};

size_t panels_of(const PcaDrawing& plan) { return std::max<size_t>(1, plan.layers.size()); }

void check_memory(const Model& model, const Pictures& pictures, const PcaDrawing& plan) {
  constexpr int64_t kMost = int64_t{1} << 29;  // values: 2 GB
  const int64_t each =
      plan.patches.size() * model.architecture().width * static_cast<int64_t>(panels_of(plan));
  const auto count = static_cast<int64_t>(pictures.paths.size());
  if (each * count <= kMost) return;
  fail("--pca: {} pictures, of {} features each, which are kept together; expected at most {}",
       count, each, std::max<int64_t>(1, kMost / each));
}

// dense: of one picture, [P, C]; zeros where a patch was dropped. shown: the patches, of rows of
// `columns`, that the picture reaches; others are left out as well.
void append(const Array& dense, int columns, const Grid& shown, Features& to) {
  const int64_t channels = dense.shape[1];
  for (int64_t patch = 0; patch < dense.shape[0]; ++patch) {
    const auto first = dense.data.begin() + patch * channels;
    const auto last = first + channels;
    const bool beside = patch / columns >= shown.rows || patch % columns >= shown.columns;
    if (beside || std::all_of(first, last, [](float value) { return value == 0; })) {
      to.row_of.push_back(kRemoved);
      continue;
    }
    to.row_of.push_back(static_cast<int32_t>(to.rows.data.size() / channels));
    to.rows.data.insert(to.rows.data.end(), first, last);
  }
  to.rows.shape = {static_cast<int64_t>(to.rows.data.size()) / channels, channels};
}

// The patches that a picture reaches: all, but where it fills a corner.
Grid shown_patches(const fs::path& picture, const ReadOptions& read, const PcaDrawing& plan) {
  if (plan.spec.fit != Fit::corner) return plan.patches;
  const Image seen = seen_picture(picture, read, plan.spec, plan.seen, 1);
  const Grid patch = plan.seen / plan.patches;
  return {(seen.height + patch.rows - 1) / patch.rows,
          (seen.width + patch.columns - 1) / patch.columns};
}

void fit(Features& features) {
  if (features.rows.data.empty()) fail("--pca: no patch of any picture is left");
  features.components = principal_components(features.rows, kComponents);
  features.colours = component_colours(project(features.components, features.rows));
}

Image panel_of(const Image& picture, const Features& features, size_t index,
               const PcaDrawing& plan) {
  const Grid& patches = plan.patches;
  const Grid patch = plan.seen / patches * Grid(plan.enlarged, plan.enlarged);
  const auto first = features.row_of.begin() + static_cast<int64_t>(index) * patches.size();
  const PatchLabels labels{
      patches.rows, patches.columns, {first, first + patches.size()}, patch.rows, patch.columns};
  return draw_patches(picture, labels, Lines::none,
                      [&](int32_t label, const Rgb&, int /*x*/, int /*y*/) {
                        return label == kRemoved ? Rgb{} : features.colours[label];
                      });
}

void print_drawn(const fs::path& picture, const fs::path& file, const PcaDrawing& plan,
                 const std::vector<Features>& all) {
  if (plan.json) {
    nlohmann::ordered_json variance;
    for (const Features& features : all) variance.push_back(features.components.shares);
    return print_json_line({{"file", picture.string()},
                            {"output", file.string()},
                            {"patches", plan.patches.size()},
                            {"layers", plan.layers},
                            {"variance", variance}});
  }
  std::vector<double> percents = all.back().components.shares;
  for (double& share : percents) share *= 100;
  print(fmt::format(
      "{}: {} patches, red, green and blue show {:.1f}% of the variance of features: {}\n",
      picture.string(), plan.patches.size(), fmt::join(percents, "%, "), file.string()));
}

}  // namespace

int draw_pca(const Model& model, const Pictures& pictures, RunOptions options,
             const PcaDrawing& plan, DrawingWriter& writer) {
  check_memory(model, pictures, plan);
  const int prefix = model.architecture().prefix();
  std::vector<Features> all(panels_of(plan));
  std::vector<fs::path> seen;
  ReadOptions again = pictures.read;
  again.counts = nullptr;
  options.layers = plan.layers;
  options.want_tokens = plan.layers.empty();
  const int status =
      run_pictures(model, pictures, plan.spec, options,
                   [&](const fs::path& picture, int64_t image, const Result& result) {
                     seen.push_back(picture);
                     const Grid shown = shown_patches(picture, again, plan);
                     const int columns = plan.patches.columns;
                     if (plan.layers.empty())
                       append(dense_features(result, image, prefix), columns, shown, all[0]);
                     for (size_t i = 0; i < plan.layers.size(); ++i) {
                       append(dense_features(result.layers.at(plan.layers[i]), image, prefix),
                              columns, shown, all[i]);
                     }
                   });
  for (Features& features : all) fit(features);
  std::vector<fs::path> files;
  for (size_t i = 0; i < seen.size(); ++i) {
    const Image picture = seen_picture(seen[i], again, plan.spec, plan.seen, plan.enlarged);
    std::vector<Image> panels = {picture};
    for (const Features& features : all) {
      panels.push_back(panel_of(picture, features, i, plan));
    }
    files.push_back(writer.add(seen[i], std::move(panels)));
  }
  writer.finish();
  for (size_t i = 0; i < seen.size(); ++i) print_drawn(seen[i], files[i], plan, all);
  return status;
}

}  // namespace fovea::cli
