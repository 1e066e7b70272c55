// What rotary positions are: by which angles queries and keys of patches are turned.
#pragma once

#include <array>

namespace fovea {

// A token at (y, x) on the grid; d channels of a head. Pair k of channels, (2k, 2k + 1), is turned
// by angle k.
//   cat: (i + offset) * reference / grid on each axis (i + offset without a reference), times
//     theta^(-4j / d), j < d / 4: those of one axis, then those of the other.
//   dinov3: 2 pi (2 (i + 0.5) / grid - 1) / theta^(4j / d), those of y, then those of x; pairs are
//     (k, k + d / 2).
//   mixed: x F[0] + y F[1], F being weights of each layer, head and pair.
enum class RotationKind { cat, dinov3, mixed };

struct Rotation {
  RotationKind kind = RotationKind::cat;
  double theta = 10000;
  bool x_first = false;  // else y
  double offset = 0;
  int reference = 0;  // side of the grid that places are scaled to; 0: none
  bool operator==(const Rotation&) const = default;
};

}  // namespace fovea
