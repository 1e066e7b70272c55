// The library's door: what it refuses, and the memory that it keeps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "fovea/io/testing.h"
#include "fovea/model/testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;

TEST(Model, RefusesImagesThatHoldOtherThanTheirShape) {
  const Model model = Model::load(golden("vit"));
  Array images = read_npy(golden("vit") / "input.npy");
  images.shape[0] += 1;
  EXPECT_THAT(error_of([&] { model.run(images); }), HasSubstr("expected as many as their shape"));
  images.shape = {int64_t{1} << 40, 3, int64_t{1} << 20, int64_t{1} << 20};
  EXPECT_THAT(error_of([&] { model.run(images); }), HasSubstr("expected as many as their shape"));
}

TEST(Model, RefusesDenseFeaturesOfWhatIsNotThere) {
  const Model model = Model::load(golden("vit"));
  const Array images = read_npy(golden("vit") / "input.npy");
  const Result lean = model.run(images, {.want_tokens = false});
  EXPECT_THAT(error_of([&] { dense_features(lean, 0, 1); }), HasSubstr("want_tokens"));
  const Result result = model.run(images);
  const int64_t batch = images.shape[0];
  EXPECT_THAT(error_of([&] { dense_features(result, batch, 1); }), HasSubstr("image 2"));
  EXPECT_THAT(error_of([&] { dense_features(result, -1, 1); }), HasSubstr("image -1"));
  const auto tokens = static_cast<int>(result.source.shape[1]);
  EXPECT_THAT(error_of([&] { dense_features(result, 0, tokens + 1); }), HasSubstr("prefix"));
  EXPECT_EQ(dense_features(result, batch - 1, 1).shape, (Shape{tokens - 1, 48}));
}

// The size of a model may be no multiple of its patch, as of SigLIP's 384 pixels in patches of 14:
// what is left at the right and the bottom is not seen, whatever it is.
TEST(Model, LeavesOutTheMarginOfItsOwnSize) {
  const TemporaryFolder folder;
  std::filesystem::copy(golden("vit") / "model.safetensors", folder / "model.safetensors");
  nlohmann::json config = nlohmann::json::parse(read_text(golden("vit") / "config.json"));
  config["pretrained_cfg"]["input_size"] = {3, 51, 55};
  write_file(folder / "config.json", config.dump());
  const Model model = Model::load(folder.path());
  const Array whole = varied_images(2, 48);
  Array images({2, 3, 51, 55}, std::vector<float>(size_t{2} * 3 * 51 * 55, 1000.0F));
  for (int64_t row = 0; row < int64_t{2} * 3 * 48; ++row) {
    std::copy_n(whole.data.begin() + row * 48, 48,
                images.data.begin() + (row / 48 * 51 + row % 48) * 55);
  }
  const Result result = model.run(images);
  EXPECT_EQ(result.logits.data, model.run(whole).logits.data);
  EXPECT_EQ(result.source.shape, (Shape{2, 37}));
  images.shape = {2, 3, 55, 51};
  EXPECT_THAT(error_of([&] { model.run(images); }), HasSubstr("multiples of the patch"));
}

#if defined(__SANITIZE_ADDRESS__) || !defined(__GLIBC__)
constexpr bool kTellsMemory = false;
size_t memory_in_use() { return 0; }
#else
constexpr bool kTellsMemory = true;
size_t memory_in_use() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}
#endif

TEST(Model, KeepsNoMoreMemoryThanItsThreadsCanUse) {
  if (!kTellsMemory) GTEST_SKIP() << "the allocator here does not tell what is in use";
  const Model model = Model::load(golden("vit"), {.threads = 1});
  const Array images({1, 3, 256, 256}, std::vector<float>(size_t{3} * 256 * 256, 0.5F));
  const size_t loaded = memory_in_use();
  const std::vector<float> want = model.run(images).tokens.data;
  const size_t after_one = memory_in_use();
  ASSERT_GT(after_one, loaded + (size_t{1} << 20)) << "a run must keep something";
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) callers.emplace_back([&] { model.run(images); });
  for (std::thread& caller : callers) caller.join();
  const size_t kept = after_one - loaded;
  EXPECT_LT(memory_in_use(), after_one + kept / 2);
  model.trim();
  EXPECT_LT(memory_in_use(), loaded + kept / 2);
  EXPECT_EQ(model.run(images).tokens.data, want);
}

}  // namespace
}  // namespace fovea
