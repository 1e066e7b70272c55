#include "fovea/study/schedule_search.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <numeric>
#include <random>

namespace fovea {
namespace {

// A model of `weights.size()` layers of 100 tokens: each layer costs the tokens that leave it, and
// loses weight * r^2.
ScheduleProblem quadratic(const std::vector<double>& weights) {
  ScheduleProblem problem;
  problem.most = LayerCounts(weights.size(), 40);
  problem.cost = [](const LayerCounts& schedule) {
    double tokens = 100;
    double cost = 0;
    for (const int r : schedule) cost += tokens = std::max(tokens - r, 1.0);
    return cost;
  };
  problem.losses = [weights](const LayerCounts& schedule) {
    double loss = 0;
    for (size_t i = 0; i < weights.size(); ++i) loss += weights[i] * schedule[i] * schedule[i];
    return Losses(40, loss);
  };
  problem.rough_losses = problem.losses;
  return problem;
}

// The loss of the best there is; for three layers.
double least_loss(const ScheduleProblem& problem, double target) {
  double least = INFINITY;
  for (int a = 0; a <= problem.most[0]; ++a) {
    for (int b = 0; b <= problem.most[1]; ++b) {
      for (int c = 0; c <= problem.most[2]; ++c) {
        const LayerCounts schedule = {a, b, c};
        if (problem.cost(schedule) > target) continue;
        least = std::min(least, mean(problem.losses(schedule)));
      }
    }
  }
  return least;
}

FoundSchedule found(const ScheduleProblem& problem, double target) {
  const LayerCounts constant = usual_schedules(problem, target).front();
  return improve_schedule(problem, {constant, problem.losses(constant)}, target);
}

TEST(ScheduleSearch, ComesNearTheBestOfAll) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<double> exponent(-2, 2);
  for (int i = 0; i < 20; ++i) {
    const ScheduleProblem problem =
        quadratic({std::pow(10, exponent(generator)), std::pow(10, exponent(generator)),
                   std::pow(10, exponent(generator))});
    const double target = 220;
    const FoundSchedule result = found(problem, target);
    EXPECT_LE(problem.cost(result.schedule), target);
    EXPECT_LE(mean(result.losses), least_loss(problem, target) * 1.05);
  }
}

TEST(ScheduleSearch, UsesALayerThatLosesNothing) {
  const ScheduleProblem problem = quadratic({1, 1, 1, 0, 1, 1});
  const FoundSchedule result = found(problem, 450);
  EXPECT_EQ(result.schedule[3], 40);
  EXPECT_LE(problem.cost(result.schedule), 450);
}

// Beyond 10 tokens the first layer gives what is no number.
TEST(ScheduleSearch, KeepsAwayFromInfiniteLosses) {
  ScheduleProblem problem = quadratic({0.01, 1, 1});
  const auto finite = problem.losses;
  problem.losses = [finite](const LayerCounts& schedule) {
    return schedule[0] > 10 ? Losses(40, INFINITY) : finite(schedule);
  };
  problem.rough_losses = problem.losses;
  std::feclearexcept(FE_INVALID);
  const FoundSchedule result =
      improve_schedule(problem, {{0, 20, 20}, problem.losses({0, 20, 20})}, 240);
  EXPECT_EQ(std::fetestexcept(FE_INVALID), 0);  // as of infinity - infinity
  EXPECT_GT(result.schedule[0], 0);
  EXPECT_LE(result.schedule[0], 10);
  EXPECT_LT(mean(result.losses), mean(problem.losses({0, 20, 20})));
  EXPECT_TRUE(clearly_less({1, 1}, {1, INFINITY}));
  EXPECT_FALSE(clearly_less({1, INFINITY}, {2, 2}));
  EXPECT_FALSE(clearly_less({INFINITY}, {INFINITY}));
}

TEST(ScheduleSearch, FindsItsWayThroughNoise) {
  ScheduleProblem problem = quadratic({4, 4, 1, 1, 1, 0});
  const auto exact = problem.losses;
  // Every schedule loses on each picture something of its own, as which tokens merge is chance.
  problem.losses = [exact](const LayerCounts& schedule) {
    Losses losses = exact(schedule);
    size_t seed = 0;
    for (const int r : schedule) seed = seed * 41 + static_cast<size_t>(r);
    std::mt19937 generator(static_cast<unsigned>(seed));
    std::normal_distribution<double> noise(0, 0.3 * losses[0]);
    for (double& loss : losses) loss += noise(generator);
    return losses;
  };
  problem.rough_losses = problem.losses;
  const LayerCounts constant = usual_schedules(problem, 400).front();
  const FoundSchedule result = found(problem, 400);
  EXPECT_LT(mean(exact(result.schedule)), 0.8 * mean(exact(constant)));
  EXPECT_LE(problem.cost(result.schedule), 400);
}

TEST(ScheduleSearch, NeverWorsensItsStart) {
  // A loss that no parabola describes.
  ScheduleProblem problem = quadratic({1, 1, 1, 1});
  problem.losses = [](const LayerCounts& schedule) {
    const int total = std::accumulate(schedule.begin(), schedule.end(), 0);
    return Losses(10, std::fmod(total * 7919.0, 13));
  };
  problem.rough_losses = problem.losses;
  for (const LayerCounts& start : usual_schedules(problem, 300)) {
    const Losses losses = problem.losses(start);
    const FoundSchedule result = improve_schedule(problem, {start, losses}, 300);
    EXPECT_LE(mean(result.losses), mean(losses));
    EXPECT_EQ(result.losses, problem.losses(result.schedule));
    EXPECT_LE(problem.cost(result.schedule), 300);
  }
}

TEST(ScheduleSearch, StopsWhenTimeIsUp) {
  ScheduleProblem problem = quadratic({1, 5, 1});
  int evaluations = 0;
  problem.rough_losses = [&](const LayerCounts& schedule) {
    ++evaluations;
    return problem.losses(schedule);
  };
  problem.out_of_time = [&] { return evaluations >= 3; };
  const LayerCounts start = {20, 20, 20};
  EXPECT_EQ(improve_schedule(problem, {start, problem.losses(start)}, 220).schedule, start);
  EXPECT_LE(evaluations, 4);
}

TEST(ClearlyLess, AsksForMoreThanChance) {
  EXPECT_TRUE(clearly_less({1, 2, 3}, {2, 3, 4}));
  EXPECT_FALSE(clearly_less({1, 2, 3}, {1, 2, 3}));
  EXPECT_FALSE(clearly_less({1, 9, 1, 9}, {9, 1, 9, 1.5})) << "a hair, and all over the place";
  EXPECT_FALSE(clearly_less({2, 3, 4}, {1, 2, 3}));
}

TEST(UsualSchedules, MeetTheTargetAndMergeNoMoreThanNeeded) {
  const ScheduleProblem problem = quadratic({1, 1, 1, 1});
  const std::vector<LayerCounts> schedules = usual_schedules(problem, 300);
  ASSERT_EQ(schedules.size(), 5U);
  for (const LayerCounts& schedule : schedules) {
    EXPECT_LE(problem.cost(schedule), 300);
    EXPECT_GT(problem.cost(schedule), 280);
  }
  EXPECT_EQ(schedules[0], LayerCounts(4, schedules[0][0]));
  EXPECT_GT(schedules[2].front(), schedules[2].back());
  EXPECT_LT(schedules[4].front(), schedules[4].back());
}

TEST(UsualSchedules, MergeAllTheyMayWhereTheTargetIsOutOfReach) {
  const ScheduleProblem problem = quadratic({1, 1});
  EXPECT_EQ(usual_schedules(problem, 1)[0], (LayerCounts{40, 40}));
}

}  // namespace
}  // namespace fovea
