// Models that timm publishes, by name: what their tensors are like. What no tensor tells is the
// family's to say.
#include "fovea/model/published.h"

#include <charconv>

#include "fovea/io/fail.h"
#include "fovea/model/families/family.h"
#include "fovea/model/tensors.h"

namespace fovea {
namespace {

// Of positions that are added to tokens.
enum class Table { none, patches, all };

// What models of a kind have in common.
struct Kind {
  Table table = Table::all;
  Pooling pooling = Pooling::token;
  int registers = 0;
  bool class_token = true;
  bool pre_norm = false;
  bool fc_norm = false;  // in the place of the final norm
  bool layer_scale = false;
  bool gated = false;
  bool mlp_norm = false;
  bool attention_norm = false;
  bool relative = false;     // positions are biases of attention
  int missing_biases = 0;    // of each layer's queries, keys and values
  bool is_sizeless = false;  // the name tells no size: it may stand behind it
};

constexpr Kind kClip = {.pre_norm = true};
constexpr Kind kSiglip = {.table = Table::patches, .pooling = Pooling::map, .class_token = false};
constexpr Kind kSiglipAverage = {
    .table = Table::patches, .pooling = Pooling::average, .class_token = false};
constexpr Kind kDinov2 = {.layer_scale = true, .is_sizeless = true};
constexpr Kind kDinov2Registers = {
    .table = Table::patches, .registers = 4, .layer_scale = true, .is_sizeless = true};
constexpr Kind kDinov2Giant = {.layer_scale = true, .gated = true, .is_sizeless = true};
constexpr Kind kDinov2GiantRegisters = {.table = Table::patches,
                                        .registers = 4,
                                        .layer_scale = true,
                                        .gated = true,
                                        .is_sizeless = true};
constexpr Kind kDinov3Biased = {.table = Table::none,
                                .pooling = Pooling::average,
                                .registers = 4,
                                .layer_scale = true,
                                .missing_biases = 1,
                                .is_sizeless = true};
constexpr Kind kDinov3GatedBiased = {.table = Table::none,
                                     .pooling = Pooling::average,
                                     .registers = 4,
                                     .layer_scale = true,
                                     .gated = true,
                                     .missing_biases = 1,
                                     .is_sizeless = true};
constexpr Kind without_biases(Kind kind) {
  kind.missing_biases = 3;
  return kind;
}
constexpr Kind kDinov3 = without_biases(kDinov3Biased);
constexpr Kind kDinov3Gated = without_biases(kDinov3GatedBiased);
constexpr Kind kEva = {.pooling = Pooling::average, .fc_norm = true, .missing_biases = 1};
constexpr Kind kEvaClip = {.missing_biases = 1};
constexpr Kind kEva02 = {.pooling = Pooling::average,
                         .fc_norm = true,
                         .gated = true,
                         .mlp_norm = true,
                         .missing_biases = 1};
constexpr Kind kEva02Small = {
    .pooling = Pooling::average, .fc_norm = true, .gated = true, .missing_biases = 1};
constexpr Kind kEva02Clip = {
    .gated = true, .mlp_norm = true, .attention_norm = true, .missing_biases = 1};
constexpr Kind kBeit = {.table = Table::none,
                        .pooling = Pooling::average,
                        .fc_norm = true,
                        .layer_scale = true,
                        .relative = true,
                        .missing_biases = 1};
constexpr Kind kPerception = {.pooling = Pooling::map, .pre_norm = true};

struct Published {
  std::string_view name;
  const Kind& kind;
  int width, depth, heads, mlp_width, patch, image, classes;
};
constexpr Published kPublished[] = {
    {"vit_xsmall_patch16_clip_224", kClip, 256, 10, 4, 1024, 16, 224, 512},
    {"vit_medium_patch32_clip_224", kClip, 512, 12, 8, 2048, 32, 224, 512},
    {"vit_medium_patch16_clip_224", kClip, 512, 12, 8, 2048, 16, 224, 512},
    {"vit_betwixt_patch32_clip_224", kClip, 640, 12, 10, 2560, 32, 224, 512},
    {"vit_base_patch32_clip_224", kClip, 768, 12, 12, 3072, 32, 224, 1000},
    {"vit_base_patch32_clip_quickgelu_224", kClip, 768, 12, 12, 3072, 32, 224, 512},
    {"vit_base_patch32_clip_256", kClip, 768, 12, 12, 3072, 32, 256, 512},
    {"vit_base_patch32_clip_384", kClip, 768, 12, 12, 3072, 32, 384, 1000},
    {"vit_base_patch32_clip_448", kClip, 768, 12, 12, 3072, 32, 448, 1000},
    {"vit_base_patch16_clip_224", kClip, 768, 12, 12, 3072, 16, 224, 1000},
    {"vit_base_patch16_clip_quickgelu_224", kClip, 768, 12, 12, 3072, 16, 224, 512},
    {"vit_base_patch16_clip_384", kClip, 768, 12, 12, 3072, 16, 384, 1000},
    {"vit_base_patch16_plus_clip_240", kClip, 896, 12, 14, 3584, 16, 240, 640},
    {"vit_large_patch14_clip_224", kClip, 1024, 24, 16, 4096, 14, 224, 1000},
    {"vit_large_patch14_clip_quickgelu_224", kClip, 1024, 24, 16, 4096, 14, 224, 768},
    {"vit_large_patch14_clip_336", kClip, 1024, 24, 16, 4096, 14, 336, 1000},
    {"vit_large_patch14_clip_quickgelu_336", kClip, 1024, 24, 16, 4096, 14, 336, 768},
    {"vit_huge_patch14_clip_224", kClip, 1280, 32, 16, 5120, 14, 224, 1000},
    {"vit_huge_patch14_clip_quickgelu_224", kClip, 1280, 32, 16, 5120, 14, 224, 1024},
    {"vit_huge_patch14_clip_336", kClip, 1280, 32, 16, 5120, 14, 336, 1000},
    {"vit_huge_patch14_clip_378", kClip, 1280, 32, 16, 5120, 14, 378, 1024},
    {"vit_huge_patch14_clip_quickgelu_378", kClip, 1280, 32, 16, 5120, 14, 378, 1024},
    {"vit_giant_patch14_clip_224", kClip, 1408, 40, 16, 6144, 14, 224, 1024},
    {"vit_gigantic_patch14_clip_224", kClip, 1664, 48, 16, 8192, 14, 224, 1280},
    {"vit_gigantic_patch14_clip_quickgelu_224", kClip, 1664, 48, 16, 8192, 14, 224, 1280},
    {"vit_gigantic_patch14_clip_378", kClip, 1664, 48, 16, 8192, 14, 378, 1280},
    {"vit_base_patch32_siglip_256", kSiglip, 768, 12, 12, 3072, 32, 256, 0},
    {"vit_base_patch16_siglip_224", kSiglip, 768, 12, 12, 3072, 16, 224, 0},
    {"vit_base_patch16_siglip_256", kSiglip, 768, 12, 12, 3072, 16, 256, 0},
    {"vit_base_patch16_siglip_384", kSiglip, 768, 12, 12, 3072, 16, 384, 0},
    {"vit_base_patch16_siglip_512", kSiglip, 768, 12, 12, 3072, 16, 512, 0},
    {"vit_large_patch16_siglip_256", kSiglip, 1024, 24, 16, 4096, 16, 256, 0},
    {"vit_large_patch16_siglip_384", kSiglip, 1024, 24, 16, 4096, 16, 384, 0},
    {"vit_large_patch16_siglip_512", kSiglip, 1024, 24, 16, 4096, 16, 512, 0},
    {"vit_so400m_patch16_siglip_256", kSiglip, 1152, 27, 16, 4304, 16, 256, 0},
    {"vit_so400m_patch16_siglip_384", kSiglip, 1152, 27, 16, 4304, 16, 384, 0},
    {"vit_so400m_patch16_siglip_512", kSiglip, 1152, 27, 16, 4304, 16, 512, 0},
    {"vit_so400m_patch14_siglip_224", kSiglip, 1152, 27, 16, 4304, 14, 224, 0},
    {"vit_so400m_patch14_siglip_378", kSiglip, 1152, 27, 16, 4304, 14, 378, 0},
    {"vit_so400m_patch14_siglip_384", kSiglip, 1152, 27, 16, 4304, 14, 384, 0},
    {"vit_giantopt_patch16_siglip_256", kSiglip, 1536, 40, 16, 6144, 16, 256, 0},
    {"vit_giantopt_patch16_siglip_384", kSiglip, 1536, 40, 16, 6144, 16, 384, 0},
    {"vit_base_patch32_siglip_gap_256", kSiglipAverage, 768, 12, 12, 3072, 32, 256, 0},
    {"vit_base_patch16_siglip_gap_224", kSiglipAverage, 768, 12, 12, 3072, 16, 224, 0},
    {"vit_base_patch16_siglip_gap_256", kSiglipAverage, 768, 12, 12, 3072, 16, 256, 0},
    {"vit_base_patch16_siglip_gap_384", kSiglipAverage, 768, 12, 12, 3072, 16, 384, 0},
    {"vit_base_patch16_siglip_gap_512", kSiglipAverage, 768, 12, 12, 3072, 16, 512, 0},
    {"vit_large_patch16_siglip_gap_256", kSiglipAverage, 1024, 24, 16, 4096, 16, 256, 0},
    {"vit_large_patch16_siglip_gap_384", kSiglipAverage, 1024, 24, 16, 4096, 16, 384, 0},
    {"vit_large_patch16_siglip_gap_512", kSiglipAverage, 1024, 24, 16, 4096, 16, 512, 0},
    {"vit_so400m_patch16_siglip_gap_256", kSiglipAverage, 1152, 27, 16, 4304, 16, 256, 0},
    {"vit_so400m_patch16_siglip_gap_384", kSiglipAverage, 1152, 27, 16, 4304, 16, 384, 0},
    {"vit_so400m_patch16_siglip_gap_512", kSiglipAverage, 1152, 27, 16, 4304, 16, 512, 0},
    {"vit_so400m_patch14_siglip_gap_224", kSiglipAverage, 1152, 27, 16, 4304, 14, 224, 0},
    {"vit_so400m_patch14_siglip_gap_378", kSiglipAverage, 1152, 27, 16, 4304, 14, 378, 0},
    {"vit_so400m_patch14_siglip_gap_384", kSiglipAverage, 1152, 27, 16, 4304, 14, 384, 0},
    {"vit_so400m_patch14_siglip_gap_448", kSiglipAverage, 1152, 27, 16, 4304, 14, 448, 0},
    {"vit_so400m_patch14_siglip_gap_896", kSiglipAverage, 1152, 27, 16, 4304, 14, 896, 0},
    {"vit_giantopt_patch16_siglip_gap_256", kSiglipAverage, 1536, 40, 16, 6144, 16, 256, 0},
    {"vit_giantopt_patch16_siglip_gap_384", kSiglipAverage, 1536, 40, 16, 6144, 16, 384, 0},
    {"vit_small_patch14_dinov2", kDinov2, 384, 12, 6, 1536, 14, 518, 0},
    {"vit_base_patch14_dinov2", kDinov2, 768, 12, 12, 3072, 14, 518, 0},
    {"vit_large_patch14_dinov2", kDinov2, 1024, 24, 16, 4096, 14, 518, 0},
    {"vit_small_patch14_reg4_dinov2", kDinov2Registers, 384, 12, 6, 1536, 14, 518, 0},
    {"vit_base_patch14_reg4_dinov2", kDinov2Registers, 768, 12, 12, 3072, 14, 518, 0},
    {"vit_large_patch14_reg4_dinov2", kDinov2Registers, 1024, 24, 16, 4096, 14, 518, 0},
    {"vit_giant_patch14_dinov2", kDinov2Giant, 1536, 40, 24, 4096, 14, 518, 0},
    {"vit_giant_patch14_reg4_dinov2", kDinov2GiantRegisters, 1536, 40, 24, 4096, 14, 518, 0},
    {"vit_small_patch16_dinov3", kDinov3, 384, 12, 6, 1536, 16, 256, 0},
    {"vit_base_patch16_dinov3", kDinov3, 768, 12, 12, 3072, 16, 256, 0},
    {"vit_large_patch16_dinov3", kDinov3, 1024, 24, 16, 4096, 16, 256, 0},
    {"vit_tiny_patch16_dinov3_qkvb", kDinov3Biased, 192, 12, 3, 768, 16, 256, 0},
    {"vit_small_patch16_dinov3_qkvb", kDinov3Biased, 384, 12, 6, 1536, 16, 256, 0},
    {"vit_base_patch16_dinov3_qkvb", kDinov3Biased, 768, 12, 12, 3072, 16, 256, 0},
    {"vit_large_patch16_dinov3_qkvb", kDinov3Biased, 1024, 24, 16, 4096, 16, 256, 0},
    {"vit_small_plus_patch16_dinov3", kDinov3Gated, 384, 12, 6, 1536, 16, 256, 0},
    {"vit_huge_plus_patch16_dinov3", kDinov3Gated, 1280, 32, 20, 5120, 16, 256, 0},
    {"vit_7b_patch16_dinov3", kDinov3Gated, 4096, 40, 32, 8192, 16, 256, 0},
    {"vit_small_plus_patch16_dinov3_qkvb", kDinov3GatedBiased, 384, 12, 6, 1536, 16, 256, 0},
    {"vit_huge_plus_patch16_dinov3_qkvb", kDinov3GatedBiased, 1280, 32, 20, 5120, 16, 256, 0},
    {"eva_giant_patch14_224", kEva, 1408, 40, 16, 6144, 14, 224, 1000},
    {"eva_giant_patch14_336", kEva, 1408, 40, 16, 6144, 14, 336, 1000},
    {"eva_giant_patch14_560", kEva, 1408, 40, 16, 6144, 14, 560, 1000},
    {"eva_giant_patch14_clip_224", kEvaClip, 1408, 40, 16, 6144, 14, 224, 1024},
    {"eva02_base_patch14_224", kEva02, 768, 12, 12, 2048, 14, 224, 0},
    {"eva02_base_patch14_448", kEva02, 768, 12, 12, 2048, 14, 448, 1000},
    {"eva02_large_patch14_224", kEva02, 1024, 24, 16, 2730, 14, 224, 0},
    {"eva02_large_patch14_448", kEva02, 1024, 24, 16, 2730, 14, 448, 1000},
    {"eva02_tiny_patch14_224", kEva02Small, 192, 12, 3, 512, 14, 224, 0},
    {"eva02_tiny_patch14_336", kEva02Small, 192, 12, 3, 512, 14, 336, 1000},
    {"eva02_small_patch14_224", kEva02Small, 384, 12, 6, 1024, 14, 224, 0},
    {"eva02_small_patch14_336", kEva02Small, 384, 12, 6, 1024, 14, 336, 1000},
    {"eva02_base_patch16_clip_224", kEva02Clip, 768, 12, 12, 2048, 16, 224, 512},
    {"eva02_large_patch14_clip_224", kEva02Clip, 1024, 24, 16, 2730, 14, 224, 768},
    {"eva02_large_patch14_clip_336", kEva02Clip, 1024, 24, 16, 2730, 14, 336, 768},
    {"beit_base_patch16_224", kBeit, 768, 12, 12, 3072, 16, 224, 1000},
    {"beitv2_base_patch16_224", kBeit, 768, 12, 12, 3072, 16, 224, 1000},
    {"beit_base_patch16_384", kBeit, 768, 12, 12, 3072, 16, 384, 1000},
    {"beit_large_patch16_224", kBeit, 1024, 24, 16, 4096, 16, 224, 1000},
    {"beitv2_large_patch16_224", kBeit, 1024, 24, 16, 4096, 16, 224, 1000},
    {"beit_large_patch16_384", kBeit, 1024, 24, 16, 4096, 16, 384, 1000},
    {"beit_large_patch16_512", kBeit, 1024, 24, 16, 4096, 16, 512, 1000},
    {"vit_pe_core_tiny_patch16_384", kPerception, 192, 12, 3, 768, 16, 384, 512},
    {"vit_pe_core_small_patch16_384", kPerception, 384, 12, 6, 1536, 16, 384, 512},
    {"vit_pe_core_base_patch16_224", kPerception, 768, 12, 12, 3072, 16, 224, 1024},
    {"vit_pe_core_large_patch14_336", kPerception, 1024, 24, 16, 4096, 14, 336, 1024},
};

// The size behind a name, "_224" or "_224x384"; none where there is something else.
std::optional<Grid> size_of(std::string_view text) {
  if (!text.starts_with('_')) return std::nullopt;
  Grid size;
  const char* const end = text.data() + text.size();
  auto read = std::from_chars(text.data() + 1, end, size.rows);
  size.columns = size.rows;
  if (read.ec == std::errc() && read.ptr != end && *read.ptr == 'x')
    read = std::from_chars(read.ptr + 1, end, size.columns);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return size;
}

void check_size(const std::string& name, const Published& row, const Grid& size) {
  for (const int side : {size.rows, size.columns}) {
    if (side < row.patch || side > 8192 || side % row.patch != 0) {
      fail("{}: expected a size in multiples of {}, up to 8192", printable(name), row.patch);
    }
  }
}

void set_block(const Published& row, const Traits& traits, BlockShape& block) {
  const Kind& kind = row.kind;
  block.heads = row.heads;
  block.mlp_width = row.mlp_width;
  block.gated = kind.gated;
  block.activation = kind.gated ? Activation::silu : traits.activation;
  block.scale_attention = block.scale_mlp = kind.layer_scale;
  block.eps = traits.eps;
  block.post_norm = traits.post_norm;
  if (kind.attention_norm) block.attention_norm = NormKind::layer;
  if (kind.mlp_norm) block.mlp_norm = NormKind::layer;
  block.rotation = traits.rotation;
  if (!kind.relative) return;
  const int side = row.image / row.patch;
  block.bias_grid = {side, side};
  block.bias_rows = (2 * side - 1) * (2 * side - 1) + 3;
}

int position_rows(const Kind& kind, int patches, int prefix) {
  if (kind.table == Table::none) return 0;
  return kind.table == Table::all ? patches + prefix : patches;
}

AttentionPool pool_of(const Published& row, const Traits& traits) {
  return {.heads = traits.pool_heads > 0 ? traits.pool_heads : row.heads,
          .mlp_width = row.mlp_width,
          .activation = traits.pool_activation.value_or(traits.activation),
          .with_prefix = traits.pools_prefix};
}

Architecture architecture_of(const Published& row, const std::string& name, const Grid& size) {
  const Kind& kind = row.kind;
  Config config;
  config.architecture = row.name;
  const Traits traits = kTimm.traits(config);
  Architecture a;
  a.name = name;
  a.family = kTimm.name;
  a.width = row.width;
  a.depth = row.depth;
  a.patch = {row.patch, row.patch};
  a.image_size = size;
  a.resampling = traits.resampling;
  set_block(row, traits, a.block);
  a.class_token = kind.class_token;
  a.registers = kind.registers;
  a.position_rows = position_rows(kind, static_cast<int>((size / a.patch).size()), a.prefix());
  a.patch_bias = !kind.pre_norm;
  if (kind.pre_norm) a.pre_norm = NormKind::layer;
  a.fc_norm = kind.fc_norm;
  a.final_norm = !kind.fc_norm;
  a.pooling = kind.pooling;
  if (kind.pooling == Pooling::map) a.attention_pool = pool_of(row, traits);
  a.classes = row.classes;
  a.parameters = count_parameters(a) - int64_t{kind.missing_biases} * row.width * row.depth;
  return a;
}

}  // namespace

std::optional<Architecture> published_architecture(const std::string& name) {
  for (const Published& row : kPublished) {
    if (!name.starts_with(row.name)) continue;
    const std::string_view rest = std::string_view(name).substr(row.name.size());
    if (rest.empty()) return architecture_of(row, name, {row.image, row.image});
    const auto size = row.kind.is_sizeless ? size_of(rest) : std::nullopt;
    if (!size) continue;
    check_size(name, row, *size);
    return architecture_of(row, name, *size);
  }
  return std::nullopt;
}

std::vector<std::string> published_names() {
  std::vector<std::string> names;
  for (const Published& row : kPublished) names.emplace_back(row.name);
  return names;
}

}  // namespace fovea
