// A trained DINOv2 ViT-S/14 against what PyTorch makes of it. The weights lie beside a developer's
// checkout and are not part of the project: without them these tests are skipped.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "fovea/fovea.h"
#include "fovea/io/npy.h"
#include "fovea/io/safetensors.h"
#include "tests/compare.h"
#include "tests/paths.h"

namespace fovea {
namespace {

const std::filesystem::path kFolder =
    test_data().parent_path().parent_path() / "shared" / "models" / "vits14";

struct Run {
  const char* name;
  int r;
  double inflect;
};

class RealWeightsTest : public testing::TestWithParam<Run> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kFolder)) GTEST_SKIP() << "no trained weights at " << kFolder;
  }

  // The lowest cosine over the images between our features and the expected ones.
  static double cosine_to_reference(Dtype dtype) {
    const Model model = Model::load(kFolder, {.threads = 2, .dtype = dtype});
    RunOptions options;
    options.merge.schedule.r = GetParam().r;
    options.merge.schedule.inflect = GetParam().inflect;
    const Result got = model.run(read_npy(kFolder / "input-224.npy"), options);
    const SafeTensors file =
        SafeTensors::open(kFolder / (std::string(GetParam().name) + ".safetensors"));
    const Array want(got.features.shape,
                     to_floats(file.tensors().at("features"), file.file_name()));
    return lowest_cosine(got.features, want);
  }
};

TEST_P(RealWeightsTest, FeaturesAreThoseOfTheReference) {
  EXPECT_GT(cosine_to_reference(Dtype::f32), 0.9999);
}

// Merging may fall the other way at a near-tie, so only the dense model is held closely.
TEST_P(RealWeightsTest, Bf16StaysClose) {
  EXPECT_GT(cosine_to_reference(Dtype::bf16), GetParam().r == 0 ? 0.9995 : 0.98);
}

INSTANTIATE_TEST_SUITE_P(Runs, RealWeightsTest,
                         testing::Values(Run{"224-dense", 0, 0}, Run{"224-r16", 16, 0},
                                         Run{"224-r16_m1p0", 16, -1}),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           for (char& c : name) {
                             if (c == '-') c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace fovea
