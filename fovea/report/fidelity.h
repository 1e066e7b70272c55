// How near the results of a model that merges are to those of the dense model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fovea/io/array.h"

namespace fovea {

// The cosine of the angle between two vectors of one length; 1 where both are zero, 0 where one is.
double cosine(std::span<const float> a, std::span<const float> b);

// Sums over pictures; one for each setting that is compared.
struct Fidelity {
  int64_t images = 0;
  std::vector<double> cosines;  // of each picture's features to the dense model's
  int64_t agreeing = 0;         // pictures whose likeliest class is the dense model's

  double mean() const;  // 0 where there is none
  double agreement() const {
    return images == 0 ? 0 : static_cast<double>(agreeing) / static_cast<double>(images);
  }
};

// A mean over pictures, and its standard error: 0 where there are too few to tell.
struct Estimate {
  double mean = 0;
  double error = 0;
};
Estimate estimate(std::span<const double> values);
// Of how much more `a` has than `b` on the same pictures.
Estimate difference(const Fidelity& a, const Fidelity& b);

// Of one image: the cosine of its features [B, C], or the mean over the places of its planes [B, C,
// h, w].
double likeness(const Array& features, const Array& dense_features, int64_t image);

// Adds a batch: features as for likeness and logits [B, classes] of both models, the same pictures
// in the same order.
void add(const Array& features, const Array& logits, const Array& dense_features,
         const Array& dense_logits, Fidelity& fidelity);

}  // namespace fovea
