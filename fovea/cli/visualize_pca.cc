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
  Array rows;  // [pictures * patches, C]
  PrincipalComponents components = {};
  std::vector<Rgb> colours = {};

  bool is_removed(int64_t row) const {
    const auto first = rows.data.begin() + row * rows.shape[1];
    return std::all_of(first, first + rows.shape[1], [](float value) { return value == 0; });
  }
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

void append(const Array& dense, Array& rows) {
  rows.data.insert(rows.data.end(), dense.data.begin(), dense.data.end());
  rows.shape = {static_cast<int64_t>(rows.data.size()) / dense.shape[1], dense.shape[1]};
}

// Patches whose tokens were dropped have no features.
void fit(Features& features) {
  Array kept({0, features.rows.shape[1]});
  std::vector<int64_t> places;
  for (int64_t row = 0; row < features.rows.shape[0]; ++row) {
    if (features.is_removed(row)) continue;
    const auto first = features.rows.data.begin() + row * features.rows.shape[1];
    kept.data.insert(kept.data.end(), first, first + features.rows.shape[1]);
    places.push_back(row);
  }
  kept.shape[0] = static_cast<int64_t>(places.size());
  if (places.empty()) fail("--pca: no patch of any picture is left");
  features.components = principal_components(kept, kComponents);
  const std::vector<Rgb> colours = component_colours(project(features.components, kept));
  features.colours.assign(features.rows.shape[0], Rgb{});
  for (size_t i = 0; i < places.size(); ++i) features.colours[places[i]] = colours[i];
}

Image panel_of(const Image& picture, const Features& features, size_t index, const Grid& patches) {
  PatchLabels labels{patches.rows, patches.columns, {}};
  const auto first = static_cast<int64_t>(index) * patches.size();
  for (int64_t row = first; row < first + patches.size(); ++row)
    labels.of.push_back(features.is_removed(row) ? kRemoved : static_cast<int32_t>(row));
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
  options.layers = plan.layers;
  options.want_tokens = plan.layers.empty();
  const int status = run_pictures(
      model, pictures, plan.spec, options,
      [&](const fs::path& picture, int64_t image, const Result& result) {
        seen.push_back(picture);
        if (plan.layers.empty()) append(dense_features(result, image, prefix), all[0].rows);
        for (size_t i = 0; i < plan.layers.size(); ++i) {
          append(dense_features(result.layers.at(plan.layers[i]), image, prefix), all[i].rows);
        }
      });
  for (Features& features : all) fit(features);
  ReadOptions again = pictures.read;
  again.counts = nullptr;
  std::vector<fs::path> files;
  for (size_t i = 0; i < seen.size(); ++i) {
    const Image picture = seen_picture(seen[i], again, plan.spec, plan.seen, plan.enlarged);
    std::vector<Image> panels = {picture};
    for (const Features& features : all) {
      panels.push_back(panel_of(picture, features, i, plan.patches));
    }
    files.push_back(writer.add(seen[i], std::move(panels)));
  }
  writer.finish();
  for (size_t i = 0; i < seen.size(); ++i) print_drawn(seen[i], files[i], plan, all);
  return status;
}

}  // namespace fovea::cli
