// A model is run by the thread that asks, whose stack may be small.
#include <gtest/gtest.h>
#include <limits.h>
#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>

#include "fovea/backend/cpu/instruction_set.h"
#include "fovea/fovea.h"
#include "fovea/io/npy.h"
#include "fovea/model/testing.h"

namespace fovea {
namespace {

void run_with_small_stack(std::function<void()> work) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  const auto size = std::max<size_t>(96 * 1024, PTHREAD_STACK_MIN);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, size), 0);
  pthread_t thread;
  const auto call = [](void* function) -> void* {
    (*static_cast<std::function<void()>*>(function))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, call, &work), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

TEST(SmallStack, RunsAtEveryLevelAndNumberFormat) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer makes every stack frame larger";
#endif
  const Array input = read_npy(golden("vit") / "input.npy");
  for (const InstructionSet level : available_levels()) {
    ASSERT_EQ(setenv("FOVEA_SIMD", to_string(level).c_str(), 1), 0);
    for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
      const Model model = Model::load(golden("vit"), {.threads = 1, .dtype = dtype});
      RunOptions options;
      options.merge.schedule.r = 3;
      Result result;
      run_with_small_stack([&] { result = model.run(input, options); });
      EXPECT_EQ(result.logits.data, model.run(input, options).logits.data) << to_string(level);
    }
  }
  unsetenv("FOVEA_SIMD");
}

}  // namespace
}  // namespace fovea
