// A model whose layers were put side by side, against the definition and against plain loops.
#include "fovea/model/regroup.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "fovea/fovea.h"
#include "fovea/io/testing.h"
#include "fovea/model/testing.h"
#include "tests/plain_vit.h"

namespace fovea {
namespace {

Architecture sequential(int depth) {
  Architecture a;
  a.name = "sequential";
  a.width = 24;
  a.depth = depth;
  a.block.heads = 3;
  a.block.mlp_width = 48;
  a.patch = {4, 4};
  a.class_token = a.final_norm = a.block.scale_attention = a.block.scale_mlp = true;
  a.classes = 3;
  a.image_size = a.input_size = {16, 16};
  a.position_rows = 17;
  return a;
}

TEST(Regroup, PutsNeighboursSideBySide) {
  EXPECT_EQ(regrouped_name("blocks.0.attns.0.norm.weight", 2), "blocks.0.attns.0.norm.weight");
  EXPECT_EQ(regrouped_name("blocks.1.attns.0.attn.qkv.bias", 2), "blocks.0.attns.1.attn.qkv.bias");
  EXPECT_EQ(regrouped_name("blocks.11.ffns.0.ls.gamma", 3), "blocks.3.ffns.2.ls.gamma");
  EXPECT_EQ(regrouped_name("patch_embed.proj.0.weight", 2), "patch_embed.proj.0.weight");
  const Architecture a = regrouped(sequential(6), 3);
  EXPECT_EQ(a.depth, 2);
  EXPECT_EQ(a.block.branches, 3);
}

TEST(Regroup, NamesWhatCannotBe) {
  EXPECT_EQ(error_of([] { regrouped(sequential(6), 4); }),
            "6 layers can't be shared out to 4 branches; expected a divisor from 2 on");
  EXPECT_NE(error_of([] { regrouped(sequential(6), 1); }), "");
  EXPECT_EQ(error_of([] { regrouped(regrouped(sequential(6), 2), 3); }),
            "the model has 2 branches in each layer; expected one, to be regrouped");
}

TEST(Regroup, ComputesWhatTheTextOfBranchesDoes) {
  const Architecture before = sequential(6);
  for (const int branches : {2, 3, 6}) {
    const Architecture after = regrouped(before, branches);
    VariedWeights source;
    std::map<std::string, Shape> shapes;
    std::vector<Weight> weights;
    for_each_tensor(before, [&](const ListedTensor& tensor) {
      weights.push_back({source.read(tensor.name, tensor.shape, tensor.start),
                         regrouped_name(tensor.name, branches)});
      shapes[weights.back().name] = tensor.shape;
    });
    std::map<std::string, Shape> expected;
    for_each_tensor(after,
                    [&](const ListedTensor& tensor) { expected[tensor.name] = tensor.shape; });
    EXPECT_EQ(shapes, expected);

    const TemporaryFolder folder;
    save_model(folder.path(), after, {}, weights);
    const Array image = varied_images(1, 16);
    const Result got = Model::load(folder.path(), {.threads = 1}).run(image);
    const PlainResult want = PlainVit(folder.path()).run(image.data.data(), 16);
    for (size_t i = 0; i < got.tokens.data.size(); ++i) {
      ASSERT_NEAR(got.tokens.data[i], want.tokens[i / 24][i % 24], 2e-4) << i;
    }
  }
}

}  // namespace
}  // namespace fovea
