#include "fovea/cli/pca_features.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fovea/cli/console.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

constexpr int kComponents = 3;  // red, green, blue

// dense: of one file, [P, C]; zeros where a patch was dropped.
void append_dense(const Array& dense, int columns, const Grid& shown, PcaFeatures& to) {
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

}  // namespace

std::span<const int32_t> PcaFeatures::rows_of(size_t index, int64_t patches) const {
  return std::span(row_of).subspan(index * static_cast<size_t>(patches),
                                   static_cast<size_t>(patches));
}

void ask_for_features(const std::vector<int>& layers, RunOptions& options) {
  options.layers = layers;
  options.want_tokens = layers.empty();
}

std::vector<PcaFeatures> empty_features(const Model& model, const std::vector<int>& layers,
                                        int64_t patches, size_t files) {
  constexpr int64_t kMost = int64_t{1} << 29;  // values: 2 GB
  const size_t count = std::max<size_t>(1, layers.size());
  const int64_t each = patches * model.architecture().width * static_cast<int64_t>(count);
  if (each * static_cast<int64_t>(files) > kMost) {
    fail("--pca: {} files, of {} features each, which are kept together; expected at most {}",
         files, each, std::max<int64_t>(1, kMost / each));
  }
  return std::vector<PcaFeatures>(count);
}

void append(const Result& result, int64_t image, int prefix, const std::vector<int>& layers,
            int columns, const Grid& shown, std::vector<PcaFeatures>& all) {
  if (layers.empty()) {
    append_dense(dense_features(result, image, prefix), columns, shown, all.front());
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    append_dense(dense_features(result.layers.at(layers[i]), image, prefix), columns, shown,
                 all[i]);
  }
}

void fit(std::vector<PcaFeatures>& all) {
  for (PcaFeatures& features : all) {
    if (features.rows.data.empty()) fail("--pca: no patch of any file is left");
    features.components = principal_components(features.rows, kComponents);
    features.colours = component_colours(project(features.components, features.rows));
  }
}

Image draw_components(const Image& picture, const PatchLabels& rows, const PcaFeatures& features) {
  return draw_patches(picture, rows, Lines::none,
                      [&](int32_t row, const Rgb& /*was*/, int /*x*/, int /*y*/) {
                        return row == kRemoved ? Rgb{} : features.colours[row];
                      });
}

void print_components(const std::filesystem::path& picture, const std::filesystem::path& file,
                      int64_t patches, const std::vector<int>& layers,
                      const std::vector<PcaFeatures>& all, bool json) {
  if (json) {
    nlohmann::ordered_json variance;
    for (const PcaFeatures& features : all) variance.push_back(features.components.shares);
    return print_json_line({{"file", picture.string()},
                            {"output", file.string()},
                            {"patches", patches},
                            {"layers", layers},
                            {"variance", variance}});
  }
  std::vector<double> percents = all.back().components.shares;
  for (double& share : percents) share *= 100;
  print(fmt::format(
      "{}: {} patches, red, green and blue show {:.1f}% of the variance of features: {}\n",
      picture.string(), patches, fmt::join(percents, "%, "), file.string()));
}

}  // namespace fovea::cli
