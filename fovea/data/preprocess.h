// The usual evaluation transform: resize, crop the centre, subtract mean, divide by deviation.
#pragma once

#include <span>
#include <string>

#include "fovea/data/image.h"
#include "fovea/model/config.h"

namespace fovea {

// Writes the normalised picture, [3, spec.height, spec.width], to `out` (of exactly that many
// elements). As torchvision does it for square inputs: the short side goes to floor(size /
// crop_pct), the long side is truncated, the crop's offset is rounded half to even. As timm does it
// for others: the picture is shrunk, its aspect kept, until it just covers floor(height / crop_pct)
// x floor(width / crop_pct). With spec.squash it goes straight to that size, whatever its aspect.
// Throws Error, with `name` in it, for a picture so narrow that it could not be resized within
// kMaxPixels.
void preprocess(const Image& image, const Preprocessing& spec, std::span<float> out,
                const std::string& name);

}  // namespace fovea
