#include "fovea/study/time_model.h"

#include <gtest/gtest.h>

#include <random>

namespace fovea {
namespace {

using Sample = TimeModel::Sample;

// 12 layers of which each takes away up to `most` of 257 tokens.
Sample random_sample(std::mt19937& generator, int most) {
  std::uniform_int_distribution<int> r(0, most);
  Sample sample;
  int tokens = 257;
  for (int layer = 0; layer < 12; ++layer) {
    sample.entering.push_back(tokens);
    tokens -= r(generator);
    sample.leaving.push_back(tokens);
  }
  return sample;
}

double true_seconds(const Sample& sample, double share) {
  double seconds = 1e-3;
  for (size_t i = 0; i < sample.entering.size(); ++i) {
    const double in = sample.entering[i];
    seconds += 1e-5 * ((1 - share) * in + share * sample.leaving[i]) + 1e-8 * in * in;
    if (sample.leaving[i] < in) seconds += 2e-9 * in * in;
  }
  return seconds;
}

TEST(TimeModel, PredictsSchedulesThatItDidNotSee) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<double> noise(0.98, 1.02);
  for (const double error : {0.0, 1.0}) {
    std::vector<Sample> samples;
    for (int i = 0; i < 12; ++i) {
      Sample sample = random_sample(generator, 2 * i);
      sample.seconds = true_seconds(sample, 0.6) * (error > 0 ? noise(generator) : 1);
      samples.push_back(sample);
    }
    const TimeModel model(samples, 0.6);
    for (int i = 0; i < 50; ++i) {
      const Sample sample = random_sample(generator, 20);
      const double truth = true_seconds(sample, 0.6);
      EXPECT_NEAR(model.seconds(sample.entering, sample.leaving), truth,
                  truth * (error > 0 ? 0.03 : 0.005));
    }
  }
}

TEST(TimeModel, NeverHasAPartBelowNothing) {
  // More tokens, less time: only the constant part is left to say anything.
  const std::vector<Sample> samples = {{{100}, {100}, 1}, {{200}, {200}, 0.5}};
  const TimeModel model(samples, 0.5);
  EXPECT_GT(model.seconds({100}, {100}), 0);
  EXPECT_GE(model.seconds({200}, {200}), model.seconds({100}, {100}) - 1e-12);
}

}  // namespace
}  // namespace fovea
