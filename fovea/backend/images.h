// A batch of input images, the same for all backends.
#pragma once

#include <cstdint>

namespace fovea {

// Normalised images [batch, 3, height, width], row-major; the memory is the caller's.
struct Images {
  const float* data = nullptr;
  int64_t batch = 0;
  int64_t height = 0;
  int64_t width = 0;
};

}  // namespace fovea
