#include "fovea/backend/cpu/profiled.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

namespace fovea {
namespace {

TEST(Profiled, EndsHoweverItsScopeDoes) {
  Cpu cpu(levels::kScalar, Dtype::f32, std::make_shared<Threads>(1));
  const Tensor x = cpu.write(Array({4, 8}, std::vector<float>(32, 1)));
  const Cpu::Linear w = cpu.make_linear({Array({8, 8}, std::vector<float>(64, 1))}, {});
  Profile profile;
  try {
    const Profiled profiled(cpu, &profile);
    cpu.linear(x, w);
    throw std::runtime_error("a run that fails");
  } catch (const std::runtime_error&) {
  }
  const double counted = profile.product_operations;
  EXPECT_EQ(counted, 2.0 * 4 * 8 * 8);
  cpu.linear(x, w);
  EXPECT_EQ(profile.product_operations, counted);
}

}  // namespace
}  // namespace fovea
