// Which way up a picture is, as EXIF says it: 1 upright; 2 mirrored; 3 turned by half a circle; 4
// mirrored top to bottom; 5 to 8 on its side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fovea {

struct Decoded;

// What EXIF data say, with or without the "Exif" that they begin with in a JPEG; 1 where they say
// nothing, or nothing that makes sense.
int exif_orientation(std::span<const std::byte> exif);

// Turns a picture upright. `orientation`: 1 to 8.
void turn_upright(Decoded& picture, int orientation);

}  // namespace fovea
