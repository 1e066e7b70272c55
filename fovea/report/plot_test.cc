#include "fovea/report/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace fovea {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// The number behind the `nth` occurrence of `name="`.
double attribute(const std::string& svg, const std::string& name, int nth) {
  size_t at = 0;
  for (int i = 0; i <= nth; ++i) at = svg.find(" " + name + "=\"", at) + 1;
  return std::stod(svg.substr(at + name.size() + 2));
}

TEST(Ticks, AreRoundNumbersAroundTheValues) {
  EXPECT_THAT(ticks(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(ticks(0.3, 4.9, 5), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(ticks(-30, 20, 5), ElementsAre(-30, -20, -10, 0, 10, 20));
}

TEST(Ticks, EncloseAnyRangeAndStayFew) {
  std::mt19937 generator(0);
  std::uniform_real_distribution<double> exponent(-6, 6);
  for (int i = 0; i < 1000; ++i) {
    const double low = std::pow(10, exponent(generator)) - 10;
    const double high = low + std::pow(10, exponent(generator));
    const std::vector<double> at = ticks(low, high, 6);
    const double slack = (at[1] - at[0]) * 1e-6;
    EXPECT_LE(at.front(), low + slack);
    EXPECT_GE(at.back(), high - slack);
    EXPECT_LE(at.size(), 9U);
    EXPECT_GE(at.size(), 2U);
  }
}

TEST(Ticks, OneValueGetsRoomAroundIt) {
  for (const double value : {0.0, 1.0, -250.0, 1e-5}) {
    const std::vector<double> at = ticks(value, value, 6);
    ASSERT_GE(at.size(), 2U);
    EXPECT_LT(at.front(), value);
    EXPECT_GT(at.back(), value);
  }
}

TEST(Plot, PlacesPointsInProportion) {
  const std::string svg =
      to_svg({"t", "x", "y", {{"s", PlotStyle::cloud, {{0, 0}, {10, 5}, {5, 2.5}}}}});
  ASSERT_EQ(count_of(svg, "<title>s: "), 3U);
  const double left = attribute(svg, "cx", 0);
  const double right = attribute(svg, "cx", 1);
  const double bottom = attribute(svg, "cy", 0);
  const double top = attribute(svg, "cy", 1);
  EXPECT_LT(left, right);
  EXPECT_GT(bottom, top) << "y grows upwards";
  EXPECT_NEAR(attribute(svg, "cx", 2), (left + right) / 2, 0.11);
  EXPECT_NEAR(attribute(svg, "cy", 2), (bottom + top) / 2, 0.11);
}

TEST(Plot, ConnectsLinesButNotClouds) {
  const std::vector<PlotPoint> points = {{1, 1}, {2, 3}};
  EXPECT_EQ(count_of(to_svg({"t", "x", "y", {{"s", PlotStyle::line, points}}}), "L"), 1U);
  EXPECT_EQ(count_of(to_svg({"t", "x", "y", {{"s", PlotStyle::cloud, points}}}), "L"), 0U);
}

TEST(Plot, ShowsNamesAndReferenceWithMarkupEscaped) {
  const std::string svg = to_svg({"a < b & c",
                                  "x",
                                  "y",
                                  {{"\"quoted\"", PlotStyle::line, {{1, 1, "r > 8"}}}},
                                  PlotReference{2, "dense"}});
  EXPECT_THAT(svg, AllOf(HasSubstr("a &lt; b &amp; c"), HasSubstr("&quot;quoted&quot;"),
                         HasSubstr(">r &gt; 8<"), HasSubstr(">dense<"),
                         HasSubstr("stroke-dasharray=\"7 4\"")));
  EXPECT_THAT(svg, Not(HasSubstr("a < b")));
}

TEST(Plot, LeavesOutWhatIsNotFinite) {
  const std::string svg = to_svg(
      {"t", "x", "y", {{"s", PlotStyle::line, {{NAN, 1}, {1, INFINITY}, {1, 1}}}}, {{NAN, "n"}}});
  EXPECT_THAT(svg, AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
  EXPECT_EQ(count_of(svg, "<title>s: "), 1U);
  EXPECT_THAT(to_svg({"empty", "x", "y", {}}), testing::EndsWith("</svg>\n"));
}

}  // namespace
}  // namespace fovea
