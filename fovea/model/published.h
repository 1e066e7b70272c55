// Models that are published under a name of their own: their architectures, without their weights.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fovea/model/architecture.h"

namespace fovea {

// By timm's name; where that tells no size of images, one may stand behind it
// (vit_giant_patch14_dinov2_224, or _224x384). None where nothing is called so. Throws Error for a
// size that is not made of whole patches.
std::optional<Architecture> published_architecture(const std::string& name);

// All such names, as timm spells them.
std::vector<std::string> published_names();

// The same of models of videos and of sound, whose names are ours.
std::optional<Architecture> media_architecture(const std::string& name);
std::vector<std::string> media_names();

}  // namespace fovea
