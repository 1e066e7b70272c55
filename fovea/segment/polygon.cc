#include "fovea/segment/polygon.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

namespace fovea {
namespace {

constexpr double kScale = 5;  // the boundary is drawn on a grid that much finer

struct Place {
  int x = 0, y = 0;  // of the finer grid
};

Place place_of(double x, double y) {
  return {static_cast<int>(kScale * x + 0.5), static_cast<int>(kScale * y + 0.5)};
}

// Calls take(place) for each place of the line between two, both included, in its direction.
template <typename Take>
void walk(Place from, Place to, const Take& take) {
  const int dx = std::abs(to.x - from.x);
  const int dy = std::abs(to.y - from.y);
  const bool is_flat = dx >= dy;
  const bool flip = is_flat ? from.x > to.x : from.y > to.y;  // rounded the same either way
  if (flip) std::swap(from, to);
  const int steps = is_flat ? dx : dy;
  const int rise = is_flat ? to.y - from.y : to.x - from.x;
  const double slope = steps == 0 ? 0 : static_cast<double>(rise) / steps;
  for (int i = 0; i <= steps; ++i) {
    const int t = flip ? steps - i : i;
    if (is_flat) {
      take(Place{t + from.x, static_cast<int>(from.y + slope * t + 0.5)});
    } else {
      take(Place{static_cast<int>(from.x + slope * t + 0.5), t + from.y});
    }
  }
}

// Where the boundary crosses the middle of a column of pixels, as a place in the mask column by
// column: all behind it is on the other side.
class Crossings {
 public:
  Crossings(int height, int width) : height_(height), width_(width) {}

  void go_to(const Place& next) {
    if (any_ && next.x != last_.x) cross(next);
    last_ = next;
    any_ = true;
  }

  Rle mask() && {
    places_.push_back(static_cast<uint32_t>(height_) * static_cast<uint32_t>(width_));
    std::sort(places_.begin(), places_.end());
    Rle rle{height_, width_, {}};
    uint32_t before = 0;
    bool joins = false;  // the next run belongs to the last one: two crossings at one place
    for (const uint32_t place : places_) {
      const uint32_t run = place - std::exchange(before, place);
      if (joins) {
        rle.counts.back() += run;
        joins = false;
      } else if (run > 0 || rle.counts.empty()) {
        rle.counts.push_back(run);
      } else {
        joins = true;
      }
    }
    return rle;
  }

 private:
  static double pixel_of(int place) { return (place + 0.5) / kScale - 0.5; }

  void cross(const Place& next) {
    const double x = pixel_of(next.x < last_.x ? next.x : next.x - 1);
    if (std::floor(x) != x || x < 0 || x > width_ - 1) return;
    const double y = std::ceil(
        std::clamp(pixel_of(std::min(next.y, last_.y)), 0.0, static_cast<double>(height_)));
    places_.push_back(static_cast<uint32_t>(x) * static_cast<uint32_t>(height_) +
                      static_cast<uint32_t>(y));
  }

  int height_, width_;
  bool any_ = false;
  Place last_;
  std::vector<uint32_t> places_;
};

// A mask's pixels, run after run.
class Walker {
 public:
  explicit Walker(const Rle& rle) : counts_(rle.counts) { settle(); }

  bool is_in() const { return is_in_; }
  uint32_t left() const { return left_; }  // of the run; 0 at the end
  void go(uint32_t pixels) {
    left_ -= pixels;
    settle();
  }

 private:
  // To a run that has pixels left, if there is one.
  void settle() {
    while (left_ == 0 && next_ < counts_.size()) {
      left_ = counts_[next_];
      is_in_ = next_ % 2 == 1;
      ++next_;
    }
  }

  std::span<const uint32_t> counts_;
  size_t next_ = 0;
  uint32_t left_ = 0;
  bool is_in_ = false;
};

Rle united(const Rle& a, const Rle& b) {
  Rle both{a.height, a.width, {0}};
  Walker in_a(a);
  Walker in_b(b);
  bool is_in = false;
  while (in_a.left() > 0) {
    const uint32_t pixels = std::min(in_a.left(), in_b.left());
    if ((in_a.is_in() || in_b.is_in()) != is_in) {
      is_in = !is_in;
      both.counts.push_back(0);
    }
    both.counts.back() += pixels;
    in_a.go(pixels);
    in_b.go(pixels);
  }
  return both;
}

}  // namespace

Rle mask_of_polygon(std::span<const double> corners, int height, int width) {
  Crossings crossings(height, width);
  const size_t count = corners.size() / 2;
  const auto corner = [&](size_t i) { return place_of(corners[2 * i], corners[2 * i + 1]); };
  for (size_t i = 0; i < count; ++i) {
    walk(corner(i), corner((i + 1) % count), [&](const Place& place) { crossings.go_to(place); });
  }
  return std::move(crossings).mask();
}

Rle united(std::span<const Rle> masks) {
  Rle all = masks.front();
  for (const Rle& mask : masks.subspan(1)) all = united(all, mask);
  return all;
}

}  // namespace fovea
