#include "fovea/data/filter_bank.h"

#include <kissfft/kissfft.hh>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

constexpr double kLowest = 20;  // Hz
constexpr float kPreemphasis = 0.97F;
constexpr double kFrameSeconds = 0.025;
constexpr double kStepSeconds = 0.010;

double mel(double hertz) { return 1127 * std::log(1 + hertz / 700); }

}  // namespace

// Of a frame's samples, padded with zeros to a power of two. Half as many complex numbers give the
// spectrum of real ones.
struct FilterBank::Transform {
  explicit Transform(size_t length)
      : padded(length), spectrum(length / 2), power(length / 2), fft(length / 2, false) {}

  std::vector<float> padded;
  std::vector<std::complex<float>> spectrum;
  std::vector<float> power;
  kissfft<float> fft;
};

FilterBank::FilterBank(int filters, int rate) : step_(static_cast<int>(rate * kStepSeconds)) {
  constexpr int kMostFilters = 1024;
  constexpr int kLowestRate = 1000;
  constexpr int kHighestRate = 192'000;
  if (filters < 1 || filters > kMostFilters || rate < kLowestRate || rate > kHighestRate) {
    fail("{} mel filters of sound of {} Hz; expected 1 to {} filters and {} to {} Hz", filters,
         rate, kMostFilters, kLowestRate, kHighestRate);
  }
  window_.resize(static_cast<size_t>(rate * kFrameSeconds));
  for (size_t i = 0; i < window_.size(); ++i) {
    const double turn = static_cast<double>(i) / static_cast<double>(window_.size() - 1);
    window_[i] = static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * turn));
  }
  const size_t length = std::bit_ceil(window_.size());
  transform_ = std::make_unique<Transform>(length);
  const double low = mel(kLowest);
  const double step = (mel(rate / 2.0) - low) / (filters + 1);
  const double bin_hertz = static_cast<double>(rate) / static_cast<double>(length);
  triangles_.resize(filters);
  for (int i = 0; i < filters; ++i) {
    Triangle& triangle = triangles_[i];
    for (size_t bin = 0; bin < length / 2; ++bin) {
      const double place = (mel(bin_hertz * static_cast<double>(bin)) - low) / step - i;
      const double weight = std::min(place, 2 - place);
      if (weight <= 0) continue;
      if (triangle.weights.empty()) triangle.first = bin;
      triangle.weights.push_back(static_cast<float>(weight));
    }
  }
}

FilterBank::~FilterBank() = default;
FilterBank::FilterBank(FilterBank&&) noexcept = default;
FilterBank& FilterBank::operator=(FilterBank&&) noexcept = default;

int64_t FilterBank::frames_of(int64_t samples) const {
  return samples < frame_length() ? 0 : 1 + (samples - frame_length()) / step_;
}

void FilterBank::compute(std::span<const float> samples, std::span<float> out) {
  double sum = 0;
  for (const float sample : samples) sum += sample;
  const auto mean = static_cast<float>(sum / static_cast<double>(samples.size()));
  float before = samples[0] - mean;  // of the first sample that is itself
  for (size_t i = 0; i < window_.size(); ++i) {
    const float sample = samples[i] - mean;
    transform_->padded[i] = (sample - kPreemphasis * before) * window_[i];
    before = sample;
  }
  transform_->fft.transform_real(transform_->padded.data(), transform_->spectrum.data());
  // The first value holds the highest frequency as well, which no filter hears.
  std::complex<float>& constant = transform_->spectrum[0];
  constant = {constant.real(), 0};
  for (size_t i = 0; i < transform_->power.size(); ++i) {
    transform_->power[i] = std::norm(transform_->spectrum[i]);
  }
  for (size_t i = 0; i < triangles_.size(); ++i) {
    const Triangle& triangle = triangles_[i];
    float energy = 0;
    for (size_t k = 0; k < triangle.weights.size(); ++k) {
      energy += triangle.weights[k] * transform_->power[triangle.first + k];
    }
    out[i] = std::log(std::max(energy, std::numeric_limits<float>::epsilon()));
  }
}

}  // namespace fovea
