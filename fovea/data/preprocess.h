// The usual evaluation transform: resize, crop the centre, subtract mean, divide by deviation.
#pragma once

#include <span>
#include <string>

#include "fovea/api.h"
#include "fovea/data/image.h"
#include "fovea/model/config.h"

namespace fovea {

// Which part is kept along the longer side of a picture that was resized (of a square its width);
// along the other one it is the centre.
enum class CropPlace { first, centre, last };

// What `preprocess` keeps of the picture, before its values are normalised: spec.height x
// spec.width pixels; or `enlarged` times as many on each side, made from the picture itself, with
// the same part of it at the same place. With Fit::corner there is the mean colour beside the
// picture. Throws Error as `preprocess` does.
FOVEA_API Image resize_and_crop(const Image& image, const Preprocessing& spec,
                                const std::string& name, int enlarged = 1,
                                CropPlace crop = CropPlace::centre);

// Writes a picture's values, [3, height, width], less spec's means and over its deviations.
FOVEA_API void normalize(const Image& picture, const Preprocessing& spec, std::span<float> out);

// Writes the normalised picture, [3, spec.height, spec.width], to `out` (of exactly that many
// elements). Fit::cover is as torchvision does it for square inputs: the short side goes to
// floor(size / crop_pct), the long side is truncated; and as timm does it for others: the picture
// is shrunk, its aspect kept, until it just covers floor(height / crop_pct) x floor(width /
// crop_pct). Fit::short_side is as the former whatever the input's aspect. Throws Error, with
// `name` in it, for a picture so narrow that it could not be resized within kMaxPixels, with
// Fit::exact for one of another size, and with Fit::corner where the input is no square.
FOVEA_API void preprocess(const Image& image, const Preprocessing& spec, std::span<float> out,
                          const std::string& name, CropPlace crop = CropPlace::centre);

}  // namespace fovea
