// Plots of one quantity against another, as SVG.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace fovea {

struct PlotPoint {
  double x = 0;
  double y = 0;
  std::string label = {};  // drawn beside the point; may be empty
};

enum class PlotStyle { line, cloud };  // points connected in their order; or only faint points

struct PlotSeries {
  std::string name;  // in the legend
  PlotStyle style = PlotStyle::line;
  std::vector<PlotPoint> points;
};

// A value of y that the others are to be judged by, drawn as a dashed line.
struct PlotReference {
  double y = 0;
  std::string name;
};

struct Plot {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<PlotSeries> series;
  std::optional<PlotReference> reference = {};
};

// The plot as a whole SVG file; needs nothing but the font of whoever shows it. Points that are not
// finite are left out.
std::string to_svg(const Plot& plot);

// Round numbers, evenly spaced, the first at or below `low`, the last at or above `high`: about
// `count` of them. For low == high some around it. Both must be finite.
std::vector<double> ticks(double low, double high, int count);

}  // namespace fovea
