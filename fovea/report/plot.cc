#include "fovea/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <string_view>

namespace fovea {
namespace {

// In pixels of the SVG's own coordinates.
constexpr double kLeft = 76;
constexpr double kTop = 48;
constexpr double kWidth = 560;  // of the area that the axes enclose
constexpr double kHeight = 360;
constexpr double kBottom = 60;
constexpr double kLegendGap = 24;
constexpr double kLegendRow = 20;

// Told apart by people who see colours differently, too (Okabe and Ito, 2008).
constexpr std::array<std::string_view, 7> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                      "#e69f00", "#56b4e9", "#000000"};
// Where colours come round again.
constexpr std::array<std::string_view, 3> kDashes = {"none", "6 3", "2 3"};

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&') {
      safe += "&amp;";
    } else if (c == '<') {
      safe += "&lt;";
    } else if (c == '>') {
      safe += "&gt;";
    } else if (c == '"') {
      safe += "&quot;";
    } else {
      safe += c;
    }
  }
  return safe;
}

bool is_finite(const PlotPoint& point) { return std::isfinite(point.x) && std::isfinite(point.y); }

// One axis: its ticks, and where a value lies between the outermost.
struct Axis {
  std::vector<double> at;
  double begin;  // pixels of the first tick and of the last
  double end;

  double place(double value) const {
    return begin + (value - at.front()) / (at.back() - at.front()) * (end - begin);
  }
  // With as many decimals as tell the ticks apart.
  std::string text(double value) const {
    const double step = at[1] - at[0];
    const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 9);
    return fmt::format("{:.{}f}", std::abs(value) < step / 2 ? 0.0 : value, decimals);
  }
};

template <class Value>
Axis axis_of(const Plot& plot, Value value, std::optional<double> extra, double begin, double end) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  const auto include = [&](double x) {
    low = std::min(low, x);
    high = std::max(high, x);
  };
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) {
      if (is_finite(point)) include(value(point));
    }
  }
  if (extra && std::isfinite(*extra)) include(*extra);
  if (low > high) include(0);
  return {ticks(low, high, 6), begin, end};
}

class Drawing {
 public:
  explicit Drawing(const Plot& plot)
      : plot_(plot),
        x_(axis_of(
            plot, [](const PlotPoint& p) { return p.x; }, {}, kLeft, kLeft + kWidth)),
        y_(axis_of(
            plot, [](const PlotPoint& p) { return p.y; },
            plot.reference ? std::optional(plot.reference->y) : std::nullopt, kTop + kHeight,
            kTop)) {}

  std::string draw() {
    begin();
    axes();
    if (plot_.reference) reference(*plot_.reference);
    // Clouds first, or they would hide the lines.
    for (const PlotStyle style : {PlotStyle::cloud, PlotStyle::line}) {
      for (size_t i = 0; i < plot_.series.size(); ++i) {
        if (plot_.series[i].style == style) series(plot_.series[i], i);
      }
    }
    for (size_t i = 0; i < plot_.series.size(); ++i) legend(plot_.series[i], i);
    return text_ + "</svg>\n";
  }

 private:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  // The legend stands to the right of the axes, and is as wide as its longest name.
  void begin() {
    size_t longest = 0;
    for (const PlotSeries& series : plot_.series) longest = std::max(longest, series.name.size());
    constexpr double kLetter = 7;
    const double width =
        kLeft + kWidth + kLegendGap + 34 + kLetter * static_cast<double>(longest) + 12;
    const double rows = kLegendRow * static_cast<double>(plot_.series.size());
    const double height = kTop + std::max(kHeight, rows) + kBottom;
    add("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
        "width=\"{0:.0f}\" height=\"{1:.0f}\" font-family=\"Helvetica, Arial, sans-serif\" "
        "font-size=\"12\" fill=\"#333\">",
        width, height);
    add("<title>{}</title>", escaped(plot_.title));
    add(R"(<rect width="100%" height="100%" fill="#fff"/>)");
    add(R"(<text x="{}" y="26" font-size="15" font-weight="bold">{}</text>)", kLeft,
        escaped(plot_.title));
  }

  void axes() {
    for (const double tick : x_.at) {
      const double x = x_.place(tick);
      add(R"(<line x1="{0:.1f}" y1="{1}" x2="{0:.1f}" y2="{2}" stroke="#e4e4e4"/>)", x, kTop,
          kTop + kHeight);
      add(R"(<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>)", x, kTop + kHeight + 18,
          x_.text(tick));
    }
    for (const double tick : y_.at) {
      const double y = y_.place(tick);
      add(R"(<line x1="{1}" y1="{0:.1f}" x2="{2}" y2="{0:.1f}" stroke="#e4e4e4"/>)", y, kLeft,
          kLeft + kWidth);
      add(R"(<text x="{}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 8, y + 4,
          y_.text(tick));
    }
    add(R"(<path d="M{0} {1}V{2}H{3}" fill="none" stroke="#888"/>)", kLeft, kTop, kTop + kHeight,
        kLeft + kWidth);
    add(R"(<text x="{}" y="{}" text-anchor="middle" font-size="13">{}</text>)", kLeft + kWidth / 2,
        kTop + kHeight + 42, escaped(plot_.x_label));
    add("<text transform=\"translate(18 {}) rotate(-90)\" text-anchor=\"middle\" "
        "font-size=\"13\">{}</text>",
        kTop + kHeight / 2, escaped(plot_.y_label));
  }

  // Its name stands at the right end, above the line where there is room, else below.
  void reference(const PlotReference& reference) {
    if (!std::isfinite(reference.y)) return;
    const double y = y_.place(reference.y);
    add("<line x1=\"{1}\" y1=\"{0:.1f}\" x2=\"{2}\" y2=\"{0:.1f}\" stroke=\"#555\" "
        "stroke-dasharray=\"7 4\"/>",
        y, kLeft, kLeft + kWidth);
    add(R"(<text x="{}" y="{:.1f}" text-anchor="end" fill="#555">{}</text>)", kLeft + kWidth - 4,
        y < kTop + 16 ? y + 15 : y - 6, escaped(reference.name));
  }

  void series(const PlotSeries& series, size_t index) {
    const std::string_view colour = kColours[index % kColours.size()];
    if (series.style == PlotStyle::line) {
      std::string path;
      for (const PlotPoint& p : series.points) {
        if (!is_finite(p)) continue;
        path +=
            fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x_.place(p.x), y_.place(p.y));
      }
      add(R"(<path d="{}" fill="none" stroke="{}" stroke-width="2" stroke-dasharray="{}"/>)", path,
          colour, dash(index));
    }
    for (const PlotPoint& p : series.points) {
      if (is_finite(p)) point(p, series, colour);
    }
  }

  void point(const PlotPoint& p, const PlotSeries& series, std::string_view colour) {
    const double x = x_.place(p.x);
    const double y = y_.place(p.y);
    const bool cloud = series.style == PlotStyle::cloud;
    const std::string comma = p.label.empty() ? "" : ", ";
    add("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"{}\" "
        "fill-opacity=\"{}\"><title>{}{}{}: {:.4g}, {:.5g}</title></circle>",
        x, y, cloud ? 2.2 : 3.5, colour, cloud ? 0.4 : 1.0, escaped(series.name), comma,
        escaped(p.label), p.x, p.y);
    if (cloud || p.label.empty()) return;
    // White below the letters keeps them legible on lines.
    add("<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"10\" fill=\"{}\" stroke=\"#fff\" "
        "stroke-width=\"3\" paint-order=\"stroke\">{}</text>",
        x + 5, y - 6, colour, escaped(p.label));
  }

  void legend(const PlotSeries& series, size_t index) {
    const double x = kLeft + kWidth + kLegendGap;
    const double y = kTop + 8 + kLegendRow * static_cast<double>(index);
    const std::string_view colour = kColours[index % kColours.size()];
    if (series.style == PlotStyle::line) {
      add("<line x1=\"{0}\" y1=\"{1}\" x2=\"{2}\" y2=\"{1}\" stroke=\"{3}\" stroke-width=\"2\" "
          "stroke-dasharray=\"{4}\"/>",
          x, y, x + 26, colour, dash(index));
    }
    add(R"(<circle cx="{}" cy="{}" r="3.5" fill="{}"/>)", x + 13, y, colour);
    add(R"(<text x="{}" y="{}">{}</text>)", x + 34, y + 4, escaped(series.name));
  }

  static std::string_view dash(size_t index) {
    return kDashes[index / kColours.size() % kDashes.size()];
  }

  const Plot& plot_;
  Axis x_;
  Axis y_;
  std::string text_;
};

}  // namespace

std::vector<double> ticks(double low, double high, int count) {
  if (high - low <= 1e-12 * std::max(std::abs(low), std::abs(high))) {
    const double margin = low == 0 ? 1 : std::abs(low) * 0.05;
    low -= margin;
    high += margin;
  }
  const double rough = (high - low) / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double round : {1.0, 2.0, 5.0}) {
    if (round * power >= rough * 0.999) {
      step = round * power;
      break;
    }
  }
  std::vector<double> at;
  // Counted in steps, so that no rounding adds up.
  const double first = std::floor(low / step + 1e-9);
  const double last = std::ceil(high / step - 1e-9);
  for (double i = first; i <= last; ++i) at.push_back(i * step);
  return at;
}

std::string to_svg(const Plot& plot) { return Drawing(plot).draw(); }

}  // namespace fovea
