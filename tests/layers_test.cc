// What a run keeps on its way: tokens as they leave a layer, and the class token's attention.
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "fovea/backend/input.h"
#include "fovea/io/npy.h"
#include "tests/cli_testing.h"
#include "tests/plain_vit.h"

namespace fovea {
namespace {

constexpr int kDepth = 3;

RunOptions keeping(std::vector<int> layers, int r) {
  RunOptions options{.layers = std::move(layers), .want_attention = true};
  options.merge.schedule.r = r;
  return options;
}

Array input_of(const std::string& name) { return read_npy(kGoldens / name / "input.npy"); }

// The first image of a batch alone.
Array first_of(const Array& images) {
  Array image({1, 3, images.shape[2], images.shape[3]});
  std::copy_n(images.data.begin(), image.data.size(), image.data.begin());
  return image;
}

// Who became one token from one layer to the next.
PlainGroups groups_of(std::span<const int> before, std::span<const int32_t> after) {
  PlainGroups groups(*std::max_element(after.begin(), after.end()) + 1);
  for (size_t i = 0; i < before.size(); ++i) {
    std::vector<size_t>& group = groups[after[i]];
    const auto token = static_cast<size_t>(before[i]);
    if (std::find(group.begin(), group.end(), token) == group.end()) group.push_back(token);
  }
  return groups;
}

PlainRows merged(const PlainResult& now, const PlainGroups& groups) {
  PlainRows means;
  for (const std::vector<size_t>& group : groups) {
    means.emplace_back(now.tokens[0].size());
    double size = 0;
    for (const size_t member : group) size += now.sizes[member];
    for (const size_t member : group) {
      for (size_t c = 0; c < means.back().size(); ++c) {
        means.back()[c] += now.tokens[member][c] * now.sizes[member] / size;
      }
    }
  }
  return means;
}

// The final norm of the model in `folder` of each row.
std::vector<double> normed_as(const std::filesystem::path& folder, const Array& rows) {
  const Checkpoint checkpoint = Checkpoint::open(folder);
  const double eps = infer_architecture(checkpoint, read_config(folder)).block.eps;
  CheckpointWeights weights(checkpoint);
  const int64_t width = rows.shape.back();
  const Array gamma = weights.read("norm.weight", {width});
  const Array beta = weights.read("norm.bias", {width});
  std::vector<double> out;
  for (size_t begin = 0; begin < rows.data.size(); begin += width) {
    const std::span<const float> row(rows.data.data() + begin, width);
    double mean = 0;
    double variance = 0;
    for (const double value : row) mean += value / width;
    for (const double value : row) variance += (value - mean) * (value - mean) / width;
    for (int64_t c = 0; c < width; ++c) {
      out.push_back((row[c] - mean) / std::sqrt(variance + eps) * gamma.data[c] + beta.data[c]);
    }
  }
  return out;
}

// Every layer's attention against the plain model, which merges as the trace says.
TEST(LayersTest, AttentionIsThatOfTheClassTokenOverWhatTheLayerSaw) {
  for (const std::string name : {"vit", "parallel", "deit-distilled"}) {
    SCOPED_TRACE(name);
    const Array image = first_of(input_of(name));
    const Model model = Model::load(kGoldens / name, {.threads = 1});
    const Architecture& a = model.architecture();
    std::vector<int> layers;
    for (int layer = 1; layer <= a.depth; ++layer) layers.push_back(layer);
    const Result got = model.run(image, keeping(layers, 4));
    const int64_t heads = int64_t{a.block.heads} * a.block.branches;
    PlainVit plain(kGoldens / name);
    plain.run_reduced(image.data.data(), static_cast<int>(image.shape[2]),
                      [&](PlainResult& now, const PlainSeen& seen, int layer) {
                        const LayerResult& kept = got.layers.at(layer + 1);
                        const auto tokens = static_cast<int64_t>(now.tokens.size());
                        ASSERT_EQ(kept.attention.shape, (Shape{1, heads, tokens}));
                        for (int64_t i = 0; i < tokens; ++i) {
                          double mean = 0;
                          for (int64_t head = 0; head < heads; ++head) {
                            mean += kept.attention.data[head * tokens + i] / heads;
                          }
                          ASSERT_NEAR(mean, seen.class_attention[i], 1e-5) << layer << " " << i;
                        }
                        const PlainGroups groups = groups_of(now.source, kept.source.data);
                        replace_groups(now, groups, merged(now, groups));
                        EXPECT_THAT(kept.sizes.data, testing::ElementsAreArray(now.sizes));
                      });
    EXPECT_EQ(got.attention.data, got.layers.at(a.depth).attention.data);
    EXPECT_EQ(got.layers.at(a.depth).source.data, got.source.data);
  }
}

TEST(LayersTest, HeadsDifferAndEachAddsUpToOne) {
  const Model model = Model::load(kGoldens / "vit");
  const Result got = model.run(input_of("vit"), keeping({}, 0));
  const int64_t tokens = got.attention.shape[2];
  ASSERT_GT(got.attention.shape[1], 1);
  for (size_t row = 0; row < got.attention.data.size(); row += tokens) {
    double sum = 0;
    for (int64_t i = 0; i < tokens; ++i) sum += got.attention.data[row + i];
    EXPECT_NEAR(sum, 1, 1e-5);
  }
  EXPECT_NE(got.attention.data[0], got.attention.data[tokens]);
  EXPECT_TRUE(got.layers.empty());
}

// What leaves a layer is what a model of only so many layers has before its final norm.
TEST(LayersTest, TokensAreThoseOfAModelThatEndsThere) {
  const Model whole = Model::load(kGoldens / "vit", {.threads = 2});
  ASSERT_EQ(whole.architecture().depth, kDepth);
  const Array images = input_of("vit");
  const Result got = whole.run(images, keeping({1, 2}, 3));
  TemporaryFolder folder;
  write_changed_model(folder / "two", [](std::vector<TensorToWrite>& tensors) {
    std::erase_if(tensors, [](const TensorToWrite& t) { return t.name.starts_with("blocks.2."); });
  });
  const Result two = Model::load(folder / "two").run(images, keeping({}, 3));
  const LayerResult& kept = got.layers.at(2);
  ASSERT_EQ(kept.tokens.shape, two.tokens.shape);
  const std::vector<double> normed = normed_as(folder / "two", kept.tokens);
  for (size_t i = 0; i < normed.size(); ++i) ASSERT_NEAR(normed[i], two.tokens.data[i], 1e-4) << i;
  EXPECT_EQ(kept.sizes.data, two.sizes.data);
  EXPECT_EQ(kept.source.data, two.source.data);
  EXPECT_EQ(kept.attention.data, two.attention.data);
  const Array dense = dense_features(kept, 1, 1);
  const int32_t token = kept.source.data[kept.source.shape[1] + 1];  // of the first patch
  const int64_t width = dense.shape[1];
  EXPECT_TRUE(std::equal(dense.data.begin(), dense.data.begin() + width,
                         kept.tokens.data.begin() + (kept.tokens.shape[1] + token) * width));
  EXPECT_EQ(got.layers.at(1).tokens.shape[1], kept.tokens.shape[1] + 3);
}

// With a threshold images differ in tokens; shorter ones end in zeros, head by head.
TEST(LayersTest, ImagesThatDifferInTokensArePadded) {
  const Model model = Model::load(kGoldens / "vit", {.threads = 2});
  Array images = input_of("vit");
  // One picture of a single colour, where all merges.
  std::fill_n(images.data.begin(), images.data.size() / images.shape[0], 0.5F);
  RunOptions options = keeping({2, 3}, kNoLimit);
  options.merge.threshold = 0.9F;
  const Result all = model.run(images, options);
  const Result alone = model.run(first_of(images), options);
  const LayerResult& padded = all.layers.at(3);
  const LayerResult& bare = alone.layers.at(3);
  ASSERT_LT(bare.tokens.shape[1], padded.tokens.shape[1]);
  const auto same = [](const Array& got, const Array& want, int64_t blocks) {
    const int64_t most = elements(got.shape) / got.shape[0] / blocks;
    const int64_t own = elements(want.shape) / blocks;
    for (int64_t block = 0; block < blocks; ++block) {
      for (int64_t i = 0; i < most; ++i) {
        ASSERT_EQ(got.data[block * most + i], i < own ? want.data[block * own + i] : 0.0F);
      }
    }
  };
  same(padded.tokens, bare.tokens, 1);
  same(padded.sizes, bare.sizes, 1);
  same(padded.attention, bare.attention, model.architecture().block.heads);
}

TEST(LayersTest, RefusesWhatTheModelHasNot) {
  const Model vit = Model::load(kGoldens / "vit");
  const Array images = input_of("vit");
  for (const int layer : {0, kDepth + 1, -1}) {
    const RunOptions options = keeping({layer}, 0);
    EXPECT_EQ(error_of([&] { vit.run(images, options); }),
              fmt::format("layer {}: the model has 3; expected 1 to 3", layer));
  }
  const Model without = Model::load(kGoldens / "no-class-token");
  const RunOptions attention = keeping({}, 0);
  EXPECT_THAT(error_of([&] { without.run(input_of("no-class-token"), attention); }),
              testing::HasSubstr("the class token, and the model has none"));
}

TEST(LayersTest, ABigLittleModelKeepsThemToo) {
  const Model model = Model::load(kGoldens / "blvit-every-layer");
  const Result got = model.run(input_of("blvit-every-layer"), keeping({1, 2}, 2));
  const int64_t tokens = got.attention.shape[2];
  for (size_t row = 0; row < got.attention.data.size(); row += tokens) {
    double sum = 0;
    for (int64_t i = 0; i < tokens; ++i) sum += got.attention.data[row + i];
    EXPECT_NEAR(sum, 1, 1e-5);
  }
  EXPECT_EQ(got.layers.at(2).tokens.shape[1], got.layers.at(1).tokens.shape[1] - 2);
}

}  // namespace
}  // namespace fovea
