// The table of published models against timm: parameters as timm 1.0.31 counts them in the model of
// each name.
#include "fovea/model/published.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "fovea/io/testing.h"
#include "fovea/model/architecture.h"

namespace fovea {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Counted {
  const char* name;
  int64_t parameters;
};
constexpr Counted kByTimm[] = {
    {"vit_xsmall_patch16_clip_224", 8'277'504},
    {"vit_medium_patch32_clip_224", 39'692'288},
    {"vit_medium_patch16_clip_224", 38'587'904},
    {"vit_betwixt_patch32_clip_224", 61'411'712},
    {"vit_base_patch32_clip_224", 88'225'000},
    {"vit_base_patch32_clip_quickgelu_224", 87'849'728},
    {"vit_base_patch32_clip_256", 87'861'248},
    {"vit_base_patch32_clip_384", 88'297'960},
    {"vit_base_patch32_clip_448", 88'337'896},
    {"vit_base_patch16_clip_224", 86'568'424},
    {"vit_base_patch16_clip_quickgelu_224", 86'193'152},
    {"vit_base_patch16_clip_384", 86'860'264},
    {"vit_base_patch16_plus_clip_240", 117'214'464},
    {"vit_large_patch14_clip_224", 304'204'776},
    {"vit_large_patch14_clip_quickgelu_224", 303'966'976},
    {"vit_large_patch14_clip_336", 304'532'456},
    {"vit_large_patch14_clip_quickgelu_336", 304'294'656},
    {"vit_huge_patch14_clip_224", 632'047'080},
    {"vit_huge_patch14_clip_quickgelu_224", 632'077'824},
    {"vit_huge_patch14_clip_336", 632'456'680},
    {"vit_huge_patch14_clip_378", 632'683'264},
    {"vit_huge_patch14_clip_quickgelu_378", 632'683'264},
    {"vit_giant_patch14_clip_224", 1'012'646'656},
    {"vit_gigantic_patch14_clip_224", 1'844'908'544},
    {"vit_gigantic_patch14_clip_quickgelu_224", 1'844'908'544},
    {"vit_gigantic_patch14_clip_378", 1'845'695'616},
    {"vit_base_patch32_siglip_256", 94'552'320},
    {"vit_base_patch16_siglip_224", 92'884'224},
    {"vit_base_patch16_siglip_256", 92'930'304},
    {"vit_base_patch16_siglip_384", 93'176'064},
    {"vit_base_patch16_siglip_512", 93'520'128},
    {"vit_large_patch16_siglip_256", 315'956'224},
    {"vit_large_patch16_siglip_384", 316'283'904},
    {"vit_large_patch16_siglip_512", 316'742'656},
    {"vit_so400m_patch16_siglip_256", 427'888'064},
    {"vit_so400m_patch16_siglip_384", 428'256'704},
    {"vit_so400m_patch16_siglip_512", 428'772'800},
    {"vit_so400m_patch14_siglip_224", 427'680'704},
    {"vit_so400m_patch14_siglip_378", 428'225'600},
    {"vit_so400m_patch14_siglip_384", 428'225'600},
    {"vit_giantopt_patch16_siglip_256", 1'163'168'256},
    {"vit_giantopt_patch16_siglip_384", 1'163'659'776},
    {"vit_base_patch32_siglip_gap_256", 87'465'216},
    {"vit_base_patch16_siglip_gap_224", 85'797'120},
    {"vit_base_patch16_siglip_gap_256", 85'843'200},
    {"vit_base_patch16_siglip_gap_384", 86'088'960},
    {"vit_base_patch16_siglip_gap_512", 86'433'024},
    {"vit_large_patch16_siglip_gap_256", 303'361'024},
    {"vit_large_patch16_siglip_gap_384", 303'688'704},
    {"vit_large_patch16_siglip_gap_512", 304'147'456},
    {"vit_so400m_patch16_siglip_gap_256", 412'649'712},
    {"vit_so400m_patch16_siglip_gap_384", 413'018'352},
    {"vit_so400m_patch16_siglip_gap_512", 413'534'448},
    {"vit_so400m_patch14_siglip_gap_224", 412'442'352},
    {"vit_so400m_patch14_siglip_gap_378", 412'987'248},
    {"vit_so400m_patch14_siglip_gap_384", 412'987'248},
    {"vit_so400m_patch14_siglip_gap_448", 413'327'088},
    {"vit_so400m_patch14_siglip_gap_896", 416'866'032},
    {"vit_giantopt_patch16_siglip_gap_256", 1'134'838'272},
    {"vit_giantopt_patch16_siglip_gap_384", 1'135'329'792},
    {"vit_small_patch14_dinov2", 22'056'192},
    {"vit_base_patch14_dinov2", 86'579'712},
    {"vit_large_patch14_dinov2", 304'367'616},
    {"vit_small_patch14_reg4_dinov2", 22'057'344},
    {"vit_base_patch14_reg4_dinov2", 86'582'016},
    {"vit_large_patch14_reg4_dinov2", 304'370'688},
    {"vit_giant_patch14_dinov2", 1'136'479'232},
    {"vit_giant_patch14_reg4_dinov2", 1'136'483'840},
    {"vit_small_patch16_dinov3", 21'586'944},
    {"vit_base_patch16_dinov3", 85'641'216},
    {"vit_large_patch16_dinov3", 303'079'424},
    {"vit_tiny_patch16_dinov3_qkvb", 5'489'664},
    {"vit_small_patch16_dinov3_qkvb", 21'596'160},
    {"vit_base_patch16_dinov3_qkvb", 85'659'648},
    {"vit_large_patch16_dinov3_qkvb", 303'128'576},
    {"vit_small_plus_patch16_dinov3", 28'683'264},
    {"vit_huge_plus_patch16_dinov3", 840'509'440},
    {"vit_7b_patch16_dinov3", 6'716'030'976},
    {"vit_small_plus_patch16_dinov3_qkvb", 28'692'480},
    {"vit_huge_plus_patch16_dinov3_qkvb", 840'591'360},
    {"eva_giant_patch14_224", 1'012'555'112},
    {"eva_giant_patch14_336", 1'013'005'672},
    {"eva_giant_patch14_560", 1'014'447'464},
    {"eva_giant_patch14_clip_224", 1'012'588'928},
    {"eva02_base_patch14_224", 85'758'720},
    {"eva02_base_patch14_448", 87'117'544},
    {"eva02_large_patch14_224", 303'268'800},
    {"eva02_large_patch14_448", 305'080'232},
    {"eva02_tiny_patch14_224", 5'502'144},
    {"eva02_tiny_patch14_336", 5'756'584},
    {"eva02_small_patch14_224", 21'621'120},
    {"eva02_small_patch14_336", 22'129'000},
    {"eva02_base_patch16_clip_224", 86'263'040},
    {"eva02_large_patch14_clip_224", 304'105'152},
    {"eva02_large_patch14_clip_336", 304'432'832},
    {"beit_base_patch16_224", 86'530'984},
    {"beitv2_base_patch16_224", 86'530'984},
    {"beit_base_patch16_384", 86'744'104},
    {"beit_large_patch16_224", 304'430'568},
    {"beitv2_large_patch16_224", 304'430'568},
    {"beit_large_patch16_384", 304'998'888},
    {"beit_large_patch16_512", 305'674'728},
    {"vit_pe_core_tiny_patch16_384", 6'141'056},
    {"vit_pe_core_small_patch16_384", 23'783'168},
    {"vit_pe_core_base_patch16_224", 93'673'984},
    {"vit_pe_core_large_patch14_336", 317'152'256},
};

TEST(PublishedArchitecture, HasTheParametersThatTimmCounts) {
  std::set<std::string> named;
  for (const Counted& each : kByTimm) {
    EXPECT_EQ(named_architecture(each.name).parameters, each.parameters) << each.name;
    named.insert(each.name);
  }
  for (const std::string& name : published_names()) EXPECT_TRUE(named.contains(name)) << name;
}

TEST(PublishedArchitecture, SaysWhatNoTensorTells) {
  const Architecture clip = named_architecture("vit_large_patch14_clip_quickgelu_336");
  EXPECT_EQ(clip.block.activation, Activation::quick_gelu);
  EXPECT_EQ(clip.block.eps, 1e-5);
  EXPECT_EQ(clip.pre_norm, NormKind::layer);
  EXPECT_FALSE(clip.patch_bias);
  EXPECT_EQ(made_for(clip), Grid(336, 336));
  EXPECT_EQ(named_architecture("vit_large_patch14_clip_336").block.activation, Activation::gelu);

  const Architecture siglip = named_architecture("vit_so400m_patch16_siglip_384");
  EXPECT_EQ(siglip.pooling, Pooling::map);
  EXPECT_EQ(siglip.attention_pool->heads, 16);
  EXPECT_EQ(siglip.attention_pool->mlp_width, 4304);
  EXPECT_EQ(siglip.attention_pool->activation, Activation::gelu_tanh);
  EXPECT_EQ(siglip.prefix(), 0);
  EXPECT_EQ(siglip.position_rows, 24 * 24);
  EXPECT_EQ(named_architecture("vit_so400m_patch16_siglip_gap_384").pooling, Pooling::average);

  const Architecture giant = named_architecture("vit_giant_patch14_reg4_dinov2");
  EXPECT_TRUE(giant.block.gated);
  EXPECT_EQ(giant.block.activation, Activation::silu);
  EXPECT_EQ(giant.block.heads, 24);
  EXPECT_TRUE(giant.block.scale_attention && giant.block.scale_mlp);
  EXPECT_EQ(giant.prefix(), 5);
  EXPECT_EQ(giant.position_rows, 37 * 37);

  const Architecture dinov3 = named_architecture("vit_base_patch16_dinov3");
  EXPECT_EQ(dinov3.block.rotation->kind, RotationKind::dinov3);
  EXPECT_EQ(dinov3.position_rows, 0);
  EXPECT_EQ(dinov3.pooling, Pooling::average);
  EXPECT_EQ(dinov3.prefix(), 5);

  const Architecture eva = named_architecture("eva02_base_patch14_448");
  EXPECT_EQ(eva.block.rotation->kind, RotationKind::cat);
  EXPECT_EQ(eva.block.mlp_norm, NormKind::layer);
  EXPECT_TRUE(eva.fc_norm && !eva.final_norm && eva.block.gated);
  EXPECT_EQ(named_architecture("eva02_large_patch14_clip_224").block.attention_norm,
            NormKind::layer);

  const Architecture beit = named_architecture("beit_base_patch16_224");
  EXPECT_EQ(beit.block.bias_rows, 27 * 27 + 3);
  EXPECT_EQ(beit.block.bias_grid, Grid(14, 14));
}

TEST(PublishedArchitecture, TakesASizeWhereItsNameTellsNone) {
  const Architecture giant = named_architecture("vit_giant_patch14_dinov2");
  EXPECT_EQ(made_for(giant), Grid(518, 518));
  EXPECT_EQ(giant.position_rows, 37 * 37 + 1);
  const Architecture small = named_architecture("vit_giant_patch14_dinov2_224x280");
  EXPECT_EQ(small.name, "vit_giant_patch14_dinov2_224x280");
  EXPECT_EQ(made_for(small), Grid(224, 280));
  EXPECT_EQ(small.position_rows, 16 * 20 + 1);
  EXPECT_EQ(made_for(named_architecture("vit_small_patch16_dinov3_qkvb_512")), Grid(512, 512));
  EXPECT_THAT(error_of([] { named_architecture("vit_giant_patch14_dinov2_225"); }),
              AllOf(HasSubstr("vit_giant_patch14_dinov2_225"), HasSubstr("multiples of 14")));
  EXPECT_THAT(error_of([] { named_architecture("vit_giant_patch14_dinov2_0"); }),
              HasSubstr("multiples of 14"));
  for (const char* name : {"vit_giant_patch14_dinov2_224x", "vit_giant_patch14_dinov2_x",
                           "vit_base_patch32_clip_224_448", "beit_base_patch16"}) {
    EXPECT_THAT(error_of([&] { named_architecture(name); }), HasSubstr("--list")) << name;
  }
}

TEST(NamedArchitectures, AreListedByPattern) {
  const std::vector<std::string> all = named_architectures();
  EXPECT_THAT(all, Contains("vit_small_patch16_224"));
  EXPECT_THAT(all, Contains("blvit_base_tiny_patch16_224"));
  for (const std::string& name : all) EXPECT_GT(named_architecture(name).parameters, 0) << name;
  EXPECT_THAT(
      named_architectures("giant_patch14"),
      ElementsAre("vit_giant_patch14_clip_224", "vit_giant_patch14_dinov2",
                  "vit_giant_patch14_reg4_dinov2", "eva_giant_patch14_224", "eva_giant_patch14_336",
                  "eva_giant_patch14_560", "eva_giant_patch14_clip_224"));
  EXPECT_THAT(named_architectures("beit*_224"),
              ElementsAre("beit_base_patch16_224", "beitv2_base_patch16_224",
                          "beit_large_patch16_224", "beitv2_large_patch16_224"));
  EXPECT_THAT(named_architectures("resnet"), IsEmpty());
  EXPECT_THAT(named_architectures("dinov3*"), Not(Contains("vit_base_patch16_dinov3")));
}

}  // namespace
}  // namespace fovea
