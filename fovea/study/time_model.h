// What running a schedule takes, predicted from a few schedules that were timed.
#pragma once

#include <vector>

namespace fovea {

// Seconds for an image as a sum over layers of what grows with their tokens, with their square
// (attention), and, where they merge, with the square again (matching).
class TimeModel {
 public:
  // A schedule by the tokens that enter each layer and that leave it.
  struct Sample {
    std::vector<int> entering;
    std::vector<int> leaving;
    double seconds = 0;
  };

  // Fits to samples, of which none may be empty, with no part of the sum less than 0. Where they
  // don't tell parts apart, they are taken to be small. `mlp_share`: of the work that grows with
  // tokens, what those that leave a layer cause, the rest being of those that enter.
  TimeModel(const std::vector<Sample>& samples, double mlp_share);

  double seconds(const std::vector<int>& entering, const std::vector<int>& leaving) const;

 private:
  static constexpr int kParts = 4;
  std::vector<double> parts(const std::vector<int>& entering,
                            const std::vector<int>& leaving) const;

  double mlp_share_;
  std::vector<double> weights_ = std::vector<double>(kParts);
};

}  // namespace fovea
