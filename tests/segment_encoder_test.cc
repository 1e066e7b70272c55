// Segment Anything's image encoder: the goldens, at every instruction-set level of this machine,
// and what must not change it.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "fovea/backend/cpu/instruction_set.h"
#include "tests/goldens.h"

namespace fovea {
namespace {

std::filesystem::path case_of(const std::string& name) {
  return test_data() / "goldens-sam" / name;
}

// Grey levels [1, 3, H, W] as SAM normalises them.
Array normalised(Array image) {
  constexpr std::array<float, 3> kMean = {123.675F, 116.28F, 103.53F};
  constexpr std::array<float, 3> kDeviation = {58.395F, 57.12F, 57.375F};
  const size_t plane = image.data.size() / 3;
  for (size_t i = 0; i < image.data.size(); ++i) {
    image.data[i] = (image.data[i] - kMean[i / plane]) / kDeviation[i / plane];
  }
  return image;
}

struct EncoderCase {
  std::string name, input, embedding;
};

Array input_of(const EncoderCase& golden) {
  const Array input = read_npy(case_of(golden.name) / golden.input);
  return golden.input == "image.npy" ? normalised(input) : input;
}

class SegmentEncoderTest : public testing::TestWithParam<EncoderCase> {
 protected:
  void TearDown() override { unsetenv("FOVEA_SIMD"); }
};

TEST_P(SegmentEncoderTest, EmbeddingsAreTheReferences) {
  const SafeTensors want = SafeTensors::open(case_of(GetParam().name) / "expect.safetensors");
  const Array expected = read_array(want, GetParam().embedding);
  const Array input = input_of(GetParam());
  for (const InstructionSet level : available_levels()) {
    setenv("FOVEA_SIMD", to_string(level).c_str(), 1);
    for (const int threads : {1, 2}) {
      const Model model = Model::load(case_of(GetParam().name), {.threads = threads});
      const Result result = model.run(input);
      ASSERT_EQ(result.embedding.shape, expected.shape);
      EXPECT_LE(relative_error(result.embedding, expected), 2e-4) << to_string(level);
    }
  }
}

TEST_P(SegmentEncoderTest, AnImageOfABatchHasTheBitsOfOneAlone) {
  const Model model = Model::load(case_of(GetParam().name), {.threads = 2});
  Array one = input_of(GetParam());
  Array three = one;
  three.shape[0] = 3;
  for (const float sign : {-1.0F, 0.5F}) {
    for (const float value : one.data) three.data.push_back(sign * value);
  }
  const Array alone = model.run(one).embedding;
  const Array together = model.run(three).embedding;
  EXPECT_TRUE(std::equal(alone.data.begin(), alone.data.end(), together.data.begin()));
}

INSTANTIATE_TEST_SUITE_P(Cases, SegmentEncoderTest,
                         testing::Values(EncoderCase{"sam", "image.npy", "embedding"},
                                         EncoderCase{"sam-padded-window", "image.npy", "embedding"},
                                         EncoderCase{"sam-transformers-names", "input.npy",
                                                     "image_embeddings"}),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace fovea
