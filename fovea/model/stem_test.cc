// The convolutions that stems are made of, and whole models with each.
#include "fovea/model/stem.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/fovea.h"
#include "fovea/io/testing.h"
#include "fovea/model/testing.h"
#include "tests/plain_vit.h"

namespace fovea {
namespace {

using testing::ElementsAre;

TEST(HmlpConvolutions, AreThoseOfThePaper) {
  EXPECT_THAT(hmlp_convolutions(384, 16, "x"),
              ElementsAre(StemConvolution{4, 4, 96}, StemConvolution{2, 2, 96},
                          StemConvolution{2, 2, 384}));
  EXPECT_THAT(
      hmlp_convolutions(64, 8, "x"),
      ElementsAre(StemConvolution{2, 2, 16}, StemConvolution{2, 2, 16}, StemConvolution{2, 2, 64}));
  EXPECT_THAT(hmlp_convolutions(64, 4, "x"),
              ElementsAre(StemConvolution{2, 2, 16}, StemConvolution{2, 2, 64}));
  EXPECT_EQ(error_of([] { hmlp_convolutions(64, 14, "a recipe"); }),
            "a recipe: an hMLP stem for patches of 14 pixels and 64 channels; expected multiples "
            "of 4 for both");
}

TEST(OverlappingConvolutions, HalveTheGridLast) {
  const std::vector<int> channels = {24, 48, 96};
  EXPECT_THAT(
      overlapping_convolutions(channels, 4, "x"),
      ElementsAre(StemConvolution{3, 1, 24}, StemConvolution{3, 2, 48}, StemConvolution{3, 2, 96}));
  EXPECT_EQ(overlapping_convolutions(channels, 8, "x").front().stride, 2);
  EXPECT_EQ(overlapping_convolutions(channels, 1, "x").back().stride, 1);
  for (const int patch : {0, -4, 6, 16}) {
    EXPECT_EQ(error_of([&] { overlapping_convolutions(channels, patch, "a recipe"); }),
              fmt::format("a recipe: patches of {} pixels behind 3 convolutions; expected a power "
                          "of 2, up to 8",
                          patch));
  }
}

// A model with each stem, drawn at random, that was saved and is read from its shapes.
class StemModel : public testing::TestWithParam<Architecture> {};

TEST_P(StemModel, IsReadFromItsShapesAndComputesWhatPlainLoopsDo) {
  const Architecture& a = GetParam();
  const TemporaryFolder folder;
  save_varied_model(folder.path(), a);
  const Architecture read =
      infer_architecture(Checkpoint::open(folder.path()), read_config(folder.path()));
  EXPECT_EQ(read.stem, a.stem);
  EXPECT_EQ(read.convolutions, a.convolutions);
  EXPECT_EQ(read.patch, a.patch);
  EXPECT_EQ(read.width, a.width);
  const Array images = varied_images(2, 16);
  PlainVit plain(folder.path());
  for (const int threads : {1, 3}) {
    const Model model = Model::load(folder.path(), {.threads = threads});
    const Result got = model.run(images);
    const int64_t size = got.tokens.shape[1] * a.width;
    for (int64_t image = 0; image < 2; ++image) {
      const PlainResult want = plain.run(images.data.data() + image * 3 * 16 * 16, 16);
      ASSERT_EQ(size, static_cast<int64_t>(want.tokens.size()) * a.width);
      for (int64_t i = 0; i < size; ++i) {
        ASSERT_NEAR(got.tokens.data[image * size + i], want.tokens[i / a.width][i % a.width], 2e-4)
            << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, StemModel, testing::ValuesIn(stem_architectures()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace fovea
