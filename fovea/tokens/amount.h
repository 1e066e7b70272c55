// How many tokens of an image a layer is to take away: a number of them, or a share.
#pragma once

#include <string>

#include "fovea/api.h"

namespace fovea {

inline constexpr double kMostPercent = 50;  // half: what bipartite matching can merge

class Amount {
 public:
  // A number of tokens; so a number stands wherever an amount is expected.
  constexpr Amount(int count = 0) : count_(count) {}  // NOLINT(google-explicit-constructor)
  // A share of the tokens that come into the layer and are not protected, from 0 to 50 percent.
  static constexpr Amount percent(double percent) {
    Amount amount;
    amount.is_share_ = true;
    amount.percent_ = percent;
    return amount;
  }

  constexpr bool is_share() const { return is_share_; }
  constexpr int count() const { return count_; }         // 0 where it is a share
  constexpr double percent() const { return percent_; }  // 0 where it is a number
  // Whether it takes any tokens of an image that has enough of them.
  constexpr bool takes_any() const { return count_ > 0 || percent_ > 0; }
  // How many of `free` tokens; a share to the nearest whole number (halves up) and at most half.
  FOVEA_API int of(int free) const;

  friend constexpr bool operator==(const Amount&, const Amount&) = default;

 private:
  int count_ = 0;
  double percent_ = 0;
  bool is_share_ = false;
};

// "13", "8%"
FOVEA_API std::string to_string(const Amount& amount);

}  // namespace fovea
