// Tokens in the order of the windows that they stand in. Plain host data.
#pragma once

#include <span>

#include "fovea/backend/plan.h"
#include "fovea/backend/rotation.h"
#include "fovea/backend/windows.h"

namespace fovea {

// The rows of each image, `images` being where they begin, window after window, those of a window
// in the order in which they are. The sequences are windows, which may be empty. Places are of
// patches.
Route window_order(const Sequences& images, std::span<const Place> places, const Windows& windows);

// Whether a route leaves every row where it is.
bool stays(const Route& route);

}  // namespace fovea
