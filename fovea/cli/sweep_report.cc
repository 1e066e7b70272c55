#include "fovea/cli/sweep_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "fovea/data/folder.h"
#include "fovea/io/csv.h"
#include "fovea/report/plot.h"

namespace fovea::cli {
namespace {

SweepRow row_of(const Model& model, const Setting& setting, const Score& score,
                const Score& dense) {
  const Architecture& a = model.architecture();
  SweepRow row;
  row.setting = setting;
  row.images = score.fidelity.images;
  const Estimate fidelity = estimate(score.fidelity.cosines);
  row.fidelity = fidelity.mean;
  row.fidelity_error = fidelity.error;
  if (a.classes > 0) row.agreement = score.fidelity.agreement();
  row.images_per_second = score.images_per_second();
  row.gflops_per_image = score.gflops_per_image();
  row.speedup = row.images_per_second / dense.images_per_second();
  return row;
}

std::vector<std::string> options_given(const std::vector<SweepRow>& rows) {
  std::vector<std::string> names;
  for (const MergeOption& option : merge_option_table()) {
    if (std::any_of(rows.begin(), rows.end(),
                    [&](const SweepRow& row) { return row.setting.typed.contains(option.name); })) {
      names.emplace_back(option.name);
    }
  }
  return names;
}

}  // namespace

std::vector<SweepRow> sweep_rows(const Model& model, const std::vector<Setting>& settings,
                                 const Comparison& comparison) {
  const Score& dense = comparison.score(0);
  std::vector<SweepRow> rows = {row_of(model, setting_of({{"r", "0"}}), dense, dense)};
  for (size_t i = 0; i < settings.size(); ++i) {
    rows.push_back(row_of(model, settings[i], comparison.score(i + 1), dense));
  }
  return rows;
}

std::string sweep_csv(const std::vector<SweepRow>& rows) {
  const std::vector<std::string> options = options_given(rows);
  const bool has_head = rows.front().agreement.has_value();
  std::vector<std::string> header = options;
  header.insert(header.end(), {"images", "fidelity"});
  if (has_head) header.emplace_back("agreement");
  header.insert(header.end(),
                {"images_per_second", "gflops_per_image", "speedup", "fidelity_error"});
  std::string csv = csv_row(header);
  for (const SweepRow& row : rows) {
    std::vector<std::string> fields;
    for (const std::string& option : options) fields.push_back(row.setting.text(option));
    fields.push_back(std::to_string(row.images));
    fields.push_back(fmt::format("{:.6f}", row.fidelity));
    if (has_head) fields.push_back(fmt::format("{:.4f}", *row.agreement));
    fields.push_back(fmt::format("{:.2f}", row.images_per_second));
    fields.push_back(fmt::format("{:.4f}", row.gflops_per_image));
    fields.push_back(fmt::format("{:.3f}", row.speedup));
    fields.push_back(fmt::format("{:.6f}", row.fidelity_error));
    csv += csv_row(fields);
  }
  return csv;
}

std::string sweep_plot(const std::string& model, Medium medium, const std::string& along,
                       const std::vector<SweepRow>& rows) {
  const SweepRow& dense = rows.front();
  std::vector<Setting> settings;
  for (const SweepRow& row : rows) {
    if (&row != &dense && row.setting.file.empty() && !row.setting.random)
      settings.push_back(row.setting);
  }
  const std::vector<std::string> telling = telling_options(settings, along);
  const PlotPoint start = {dense.images_per_second, dense.fidelity, ""};
  Plot plot;
  const std::filesystem::path path = model;
  const std::string name = path.has_filename() ? path.filename() : path.parent_path().filename();
  plot.title = fmt::format("{}: {} {}", name, dense.images, many_of(medium));
  const std::string many = medium == Medium::picture ? "images" : many_of(medium);
  plot.x_label = fmt::format("{} per second (beside the points: {})", many, along);
  plot.y_label = "fidelity (mean cosine to the dense model's features)";
  plot.reference = {dense.fidelity,
                    fmt::format("dense model, {:.1f} {}/s", dense.images_per_second, many)};
  PlotSeries cloud = {"random schedules", PlotStyle::cloud, {}};
  const SweepRow* before = nullptr;
  for (const SweepRow& row : rows) {
    if (row.setting.random) cloud.points.push_back({row.images_per_second, row.fidelity});
    if (&row == &dense || row.setting.random) continue;
    const bool of_file = !row.setting.file.empty();
    if (of_file || before == nullptr ||
        before->setting.without(along) != row.setting.without(along)) {
      plot.series.push_back({describe(row.setting, telling), PlotStyle::line, {start}});
    }
    plot.series.back().points.push_back(
        {row.images_per_second, row.fidelity, of_file ? "" : row.setting.text(along)});
    before = &row;
  }
  if (!cloud.points.empty()) plot.series.push_back(cloud);
  if (plot.series.empty()) plot.series.push_back({"dense", PlotStyle::line, {start}});
  return to_svg(plot);
}

}  // namespace fovea::cli
