#include "fovea/tokens/amount.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fovea {

int Amount::of(int free) const {
  if (!is_share_) return count_;
  return std::min(static_cast<int>(std::lround(free * percent_ / 100)), free / 2);
}

std::string to_string(const Amount& amount) {
  return amount.is_share() ? fmt::format("{}%", amount.percent()) : std::to_string(amount.count());
}

}  // namespace fovea
