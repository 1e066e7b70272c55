#include "fovea/report/fidelity.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fovea {
namespace {

std::span<const float> row(const Array& array, int64_t index) {
  const int64_t width = array.shape[1];
  return std::span(array.data).subspan(index * width, width);
}

auto likeliest(std::span<const float> logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

}  // namespace

double cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0;
  double square_a = 0;
  double square_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * b[i];
    square_a += double{a[i]} * a[i];
    square_b += double{b[i]} * b[i];
  }
  if (square_a == 0 && square_b == 0) return 1;
  if (square_a == 0 || square_b == 0) return 0;
  // Equal vectors give exactly 1.
  return dot / std::sqrt(square_a * square_b);
}

double likeness(const Array& features, const Array& dense_features, int64_t image) {
  if (features.shape.size() == 2) return cosine(row(features, image), row(dense_features, image));
  const int64_t channels = features.shape[1];
  const int64_t places = features.shape[2] * features.shape[3];
  std::vector<float> a(channels), b(channels);
  double sum = 0;
  for (int64_t place = 0; place < places; ++place) {
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t at = (image * channels + c) * places + place;
      a[c] = features.data[at];
      b[c] = dense_features.data[at];
    }
    sum += cosine(a, b);
  }
  return sum / static_cast<double>(places);
}

double Fidelity::mean() const { return estimate(cosines).mean; }

Estimate estimate(std::span<const double> values) {
  if (values.empty()) return {};
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  if (values.size() == 1) return {mean, 0};
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / (count * (count - 1)))};
}

Estimate difference(const Fidelity& a, const Fidelity& b) {
  std::vector<double> differences;
  for (size_t i = 0; i < a.cosines.size(); ++i) {
    differences.push_back(a.cosines[i] - b.cosines[i]);
  }
  return estimate(differences);
}

void add(const Array& features, const Array& logits, const Array& dense_features,
         const Array& dense_logits, Fidelity& fidelity) {
  for (int64_t i = 0; i < features.shape[0]; ++i) {
    fidelity.cosines.push_back(likeness(features, dense_features, i));
    fidelity.agreeing += likeliest(row(logits, i)) == likeliest(row(dense_logits, i)) ? 1 : 0;
    ++fidelity.images;
  }
}

}  // namespace fovea
