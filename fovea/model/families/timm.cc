// timm's models and those that share its names: DeiT, MAE, DINOv2's own files, EVA, BEiT, SigLIP.
#include <algorithm>

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

// Second and later branches of DeiT carry their number at the end; timm's parallel blocks and what
// big.LITTLE ViTs have besides are canonical as they are.
constexpr Rule kRules[] = {
    {"timm", "cls_token", "cls_token"},
    {"timm", "dist_token", "dist_token"},
    {"timm", "reg_token", "reg_token"},
    {"dinov2", "register_tokens", "reg_token"},
    {"timm", "pos_embed", "pos_embed"},
    {"timm", "patch_embed.proj.*", "patch_embed.proj.*"},
    {"timm", "norm.*", "norm.*"},
    {"timm", "fc_norm.*", "fc_norm.*"},
    {"timm", "head.weight", "head.weight"},
    {"timm", "head.bias", "head.bias"},
    {"dinov2", "linear_head.*", "head.*"},
    {"timm", "head_dist.*", "head_dist.*"},
    {"timm", "blocks.{i}.norm1.*", "blocks.{i}.attns.0.norm.*"},
    {"timm", "norm_pre.*", "norm_pre.*"},
    {"timm", "patch_embed.norm.*", "patch_embed.norm.*"},
    {"timm", "rope.freqs", "rope.freqs"},
    {"timm_pool", "attn_pool.q.*", "attn_pool.q.*"},
    {"timm_pool", "attn_pool.kv.*", "attn_pool.kv.*"},
    {"timm_pool", "attn_pool.latent", "attn_pool.latent"},
    {"timm_pool", "attn_pool.proj.*", "attn_pool.proj.*"},
    {"timm_pool", "attn_pool.norm.*", "attn_pool.norm.*"},
    {"timm_pool", "attn_pool.mlp.*", "attn_pool.mlp.*"},
    {"eva", "blocks.{i}.attn.q_bias", "blocks.{i}.attns.0.attn.q.bias"},
    {"eva", "blocks.{i}.attn.v_bias", "blocks.{i}.attns.0.attn.v.bias"},
    {"eva", "blocks.{i}.attn.q_proj.*", "blocks.{i}.attns.0.attn.q.*"},
    {"eva", "blocks.{i}.attn.k_proj.*", "blocks.{i}.attns.0.attn.k.*"},
    {"eva", "blocks.{i}.attn.v_proj.*", "blocks.{i}.attns.0.attn.v.*"},
    {"eva", "rel_pos_bias.relative_position_bias_table", "rel_pos_bias.table"},
    {"eva", "blocks.{i}.attn.relative_position_bias_table", "blocks.{i}.attns.0.attn.bias_table"},
    {"dinov2", "blocks.{i}.mlp.w12.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {"dinov2", "blocks.{i}.mlp.w3.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {"timm", "blocks.{i}.attn.*", "blocks.{i}.attns.0.attn.*"},
    {"timm_scale", "blocks.{i}.ls1.gamma", "blocks.{i}.attns.0.ls.gamma"},
    {"deit", "blocks.{i}.gamma_1", "blocks.{i}.attns.0.ls.gamma"},
    {"timm", "blocks.{i}.norm2.*", "blocks.{i}.ffns.0.norm.*"},
    {"timm", "blocks.{i}.mlp.*", "blocks.{i}.ffns.0.mlp.*"},
    {"timm_scale", "blocks.{i}.ls2.gamma", "blocks.{i}.ffns.0.ls.gamma"},
    {"deit", "blocks.{i}.gamma_2", "blocks.{i}.ffns.0.ls.gamma"},
    {"deit", "blocks.{i}.norm1{k}.*", "blocks.{i}.attns.{k}.norm.*"},
    {"deit", "blocks.{i}.attn{k}.*", "blocks.{i}.attns.{k}.attn.*"},
    {"deit", "blocks.{i}.gamma_1_{k}", "blocks.{i}.attns.{k}.ls.gamma"},
    {"deit", "blocks.{i}.norm2{k}.*", "blocks.{i}.ffns.{k}.norm.*"},
    {"deit", "blocks.{i}.mlp{k}.*", "blocks.{i}.ffns.{k}.mlp.*"},
    {"deit", "blocks.{i}.gamma_2_{k}", "blocks.{i}.ffns.{k}.ls.gamma"},
    {"timm_parallel", "blocks.{i}.attns.{j}.*", "blocks.{i}.attns.{j}.*"},
    {"timm_parallel", "blocks.{i}.ffns.{j}.*", "blocks.{i}.ffns.{j}.*"},
    {"timm", "blocks.{i}.little.*", "blocks.{i}.little.*"},
    {"timm", "blocks.{i}.alpha_attn", "blocks.{i}.alpha_attn"},
    {"timm", "blocks.{i}.alpha_mlp", "blocks.{i}.alpha_mlp"},
    {"timm", "blocks.{i}.gamma", "blocks.{i}.gamma"},
    {"timm", "predictors.*", "predictors.*"},
};

// What of an architecture's name an entry gives: all, the beginning, or any part.
enum class Part { whole, start, any };

struct Entry {
  std::string_view text;
  Part part;
};

bool is_in(const Entry& entry, std::string_view name) {
  switch (entry.part) {
    case Part::whole:
      return name == entry.text;
    case Part::start:
      return name.starts_with(entry.text);
    case Part::any:
      break;
  }
  return name.find(entry.text) != std::string_view::npos;
}

template <size_t kCount>
bool is_any(const Entry (&entries)[kCount], std::string_view name) {
  return std::any_of(std::begin(entries), std::end(entries),
                     [&](const Entry& entry) { return is_in(entry, name); });
}

struct Refused {
  Entry entry;
  std::string_view what;
};

constexpr std::string_view kParallel = "a parallel scaling block";
constexpr std::string_view kDifferential = "differential attention";
constexpr std::string_view kBehind = "a norm behind attention and MLP (rpn)";
constexpr Refused kRefused[] = {
    {{"dwee", Part::any}, kDifferential},
    {{"dlittle", Part::any}, kDifferential},
    {{"dpwee", Part::any}, kDifferential},
    {{"pwee", Part::any}, kParallel},
    {{"_xp_", Part::any}, kParallel},
    {{"sapiens2", Part::any}, "grouped keys"},
    {{"_r26_", Part::any}, "a stem of ResNet"},
    {{"_r50_", Part::any}, "a stem of ResNet"},
    {{"_rpn_", Part::any}, kBehind},
    {{"eva02_enormous", Part::start}, kBehind},
    {{"radio", Part::any}, "RADIO"},
    {{"naflex", Part::any}, "NaFlex"},
    {{"samvit", Part::start}, "Segment Anything's encoder"},
    {{"relpos", Part::any}, "this kind of relative positions"},
};

struct Heads {
  Entry entry;
  int heads;
};
constexpr Heads kHeads[] = {
    {{"vit_base_patch16_gap_224", Part::whole}, 16},
    {{"test_vit3", Part::whole}, 3},
    {{"test_vit", Part::start}, 2},
    {{"vit_giantopt_", Part::start}, 16},
    {{"vit_pe_core_gigantic", Part::start}, 16},
    {{"vit_pe_lang_gigantic", Part::start}, 16},
    {{"vit_pe_spatial_gigantic", Part::start}, 16},
    {{"vit_huge_plus_", Part::start}, 20},
    {{"vit_7b_", Part::start}, 32},
    {{"aimv2_large_", Part::start}, 8},
    {{"aimv2_huge_", Part::start}, 12},
    {{"aimv2_1b_", Part::start}, 16},
    {{"aimv2_3b_", Part::start}, 24},
};

// SigLIP's models that were trained anew for version 2; the others have the erf form.
constexpr Entry kTanh[] = {
    {"vit_giantopt_", Part::start},
    {"vit_base_patch32_siglip_", Part::start},
    {"vit_large_patch16_siglip_512", Part::start},
    {"vit_large_patch16_siglip_gap_512", Part::start},
    {"vit_so400m_patch16_siglip_", Part::start},
};
constexpr Entry kEpsOfMinus5[] = {
    {"_clip_", Part::any},    {"dinov3", Part::any},  {"lingbot", Part::any},
    {"vit_pe_", Part::start}, {"beit3", Part::start}, {"aimv2", Part::start},
};
constexpr Entry kEva[] = {{"eva02_", Part::start}, {"eva_giant", Part::start}};
constexpr Entry kAverage[] = {
    {"dinov3", Part::any},
    {"lingbot", Part::any},
    {"aimv2", Part::start},
    {"_gap_", Part::any},
};

struct Rotary {
  Entry entry;
  RotationKind kind;
  double theta;  // 0: none is turned
  bool x_first;
  double offset, reference;
};
constexpr RotationKind kCat = RotationKind::cat;
constexpr Rotary kRotary[] = {
    {{"eva02_enormous", Part::start}, kCat, 0, false, 0, 0},
    {{"eva02_", Part::start}, kCat, 10000, false, 0, 16},
    {{"_rope_mixed_", Part::any}, RotationKind::mixed, 100, true, 0, 0},
    {{"_rope_reg", Part::any}, kCat, 10000, false, 0, 16},
    {{"_rope_", Part::any}, kCat, 100, true, 0, 0},
    {{"vit_pe_core_gigantic", Part::start}, kCat, 10000, true, 0, 32},
    {{"vit_pe_lang_gigantic", Part::start}, kCat, 10000, true, 0, 32},
    {{"vit_pe_spatial_gigantic", Part::start}, kCat, 10000, true, 0, 32},
    {{"vit_pe_core_base", Part::start}, kCat, 10000, true, 1, 14},
    {{"vit_pe_core_", Part::start}, kCat, 10000, true, 1, 24},
    {{"vit_pe_", Part::start}, kCat, 10000, true, 1, 32},
    {{"dinov3", Part::any}, RotationKind::dinov3, 100, false, 0, 0},
    {{"lingbot", Part::any}, RotationKind::dinov3, 100, false, 0, 0},
};

template <class Row, size_t kCount>
const Row* find(const Row (&table)[kCount], std::string_view name) {
  const auto* const row = std::find_if(std::begin(table), std::end(table),
                                       [&](const Row& each) { return is_in(each.entry, name); });
  return row == std::end(table) ? nullptr : row;
}

Activation activation_of(std::string_view name) {
  if (name.find("_clip_quickgelu_") != std::string_view::npos) return Activation::quick_gelu;
  return is_any(kTanh, name) ? Activation::gelu_tanh : Activation::gelu;
}

Traits traits(const Config& config) {
  // Without the tag behind it (".webli").
  const std::string_view name =
      std::string_view(config.architecture).substr(0, config.architecture.find('.'));
  Traits traits;
  traits.eps = is_any(kEpsOfMinus5, name) && !is_any(kEva, name) ? 1e-5 : 1e-6;
  traits.activation = activation_of(name);
  if (const Heads* row = find(kHeads, name)) traits.heads = row->heads;
  if (const Rotary* row = find(kRotary, name); row != nullptr && row->theta > 0) {
    traits.rotation = Rotation{
        row->kind, row->theta, row->x_first, row->offset, {row->reference, row->reference}};
  }
  if (is_any(kAverage, name)) traits.pooling = Pooling::average;
  const bool is_pe = name.starts_with("vit_pe_");
  if (is_pe) traits.pool_heads = 8;
  if (is_pe) traits.pool_activation = Activation::gelu;
  traits.pools_prefix = is_pe || name.starts_with("test_vit3");
  if (const Refused* row = find(kRefused, name)) traits.unsupported = row->what;
  return traits;
}

}  // namespace

extern const Family kTimm = {"timm", {}, {}, kRules, {}, {}, traits};

}  // namespace fovea
