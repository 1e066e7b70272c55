// Principal components of features of patches, and the colours that show them.
#pragma once

#include <vector>

#include "fovea/data/image.h"
#include "fovea/io/array.h"

namespace fovea {

// The directions in which features differ most, the first one most of all.
struct PrincipalComponents {
  std::vector<double> mean;  // [C]
  Array directions;          // [K, C], of length 1, or 0 where features differ in fewer; the entry
                             // of the largest magnitude is positive
  std::vector<double> shares;  // [K]: of the variance
};

// Of rows [N, C]. Throws Error where a value is not finite.
PrincipalComponents principal_components(const Array& rows, int count);

// Where rows [N, C] lie along them: [N, K].
Array project(const PrincipalComponents& components, const Array& rows);

// A colour for each row of [N, 3]: the columns are red, green and blue, from the value that 2% of
// the rows are below to the one that 2% are above.
std::vector<Rgb> component_colours(const Array& projected);

}  // namespace fovea
