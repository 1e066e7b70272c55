// The tables of names, and matching against them.
#include "fovea/model/names.h"

#include <cctype>

namespace fovea {
namespace {

// A name with the number of a layer, {i}, that of a branch, {j} or (from 1) {k}, and * at the end
// for any rest.
struct Rule {
  Dialect dialect;
  std::string_view file;
  std::string_view canonical;
};

constexpr Rule kRules[] = {
    // timm, DeiT, MAE, DINOv2. Second and later branches of DeiT carry their number at the end.
    {Dialect::timm, "cls_token", "cls_token"},
    {Dialect::timm, "dist_token", "dist_token"},
    {Dialect::timm, "reg_token", "reg_token"},
    {Dialect::dinov2, "register_tokens", "reg_token"},
    {Dialect::timm, "pos_embed", "pos_embed"},
    {Dialect::timm, "patch_embed.proj.*", "patch_embed.proj.*"},
    {Dialect::timm, "norm.*", "norm.*"},
    {Dialect::timm, "fc_norm.*", "fc_norm.*"},
    {Dialect::timm, "head.weight", "head.weight"},
    {Dialect::timm, "head.bias", "head.bias"},
    {Dialect::dinov2, "linear_head.*", "head.*"},
    {Dialect::timm, "head_dist.*", "head_dist.*"},
    {Dialect::timm, "blocks.{i}.norm1.*", "blocks.{i}.attns.0.norm.*"},
    {Dialect::timm, "blocks.{i}.attn.*", "blocks.{i}.attns.0.attn.*"},
    {Dialect::timm_scale, "blocks.{i}.ls1.gamma", "blocks.{i}.attns.0.ls.gamma"},
    {Dialect::deit, "blocks.{i}.gamma_1", "blocks.{i}.attns.0.ls.gamma"},
    {Dialect::timm, "blocks.{i}.norm2.*", "blocks.{i}.ffns.0.norm.*"},
    {Dialect::timm, "blocks.{i}.mlp.*", "blocks.{i}.ffns.0.mlp.*"},
    {Dialect::timm_scale, "blocks.{i}.ls2.gamma", "blocks.{i}.ffns.0.ls.gamma"},
    {Dialect::deit, "blocks.{i}.gamma_2", "blocks.{i}.ffns.0.ls.gamma"},
    {Dialect::deit, "blocks.{i}.norm1{k}.*", "blocks.{i}.attns.{k}.norm.*"},
    {Dialect::deit, "blocks.{i}.attn{k}.*", "blocks.{i}.attns.{k}.attn.*"},
    {Dialect::deit, "blocks.{i}.gamma_1_{k}", "blocks.{i}.attns.{k}.ls.gamma"},
    {Dialect::deit, "blocks.{i}.norm2{k}.*", "blocks.{i}.ffns.{k}.norm.*"},
    {Dialect::deit, "blocks.{i}.mlp{k}.*", "blocks.{i}.ffns.{k}.mlp.*"},
    {Dialect::deit, "blocks.{i}.gamma_2_{k}", "blocks.{i}.ffns.{k}.ls.gamma"},
    // timm's parallel blocks: canonical as they are.
    {Dialect::timm_parallel, "blocks.{i}.attns.{j}.*", "blocks.{i}.attns.{j}.*"},
    {Dialect::timm_parallel, "blocks.{i}.ffns.{j}.*", "blocks.{i}.ffns.{j}.*"},
    // big.LITTLE ViTs: what they have besides a plain one, canonical as it is.
    {Dialect::timm, "blocks.{i}.little.*", "blocks.{i}.little.*"},
    {Dialect::timm, "blocks.{i}.alpha_attn", "blocks.{i}.alpha_attn"},
    {Dialect::timm, "blocks.{i}.alpha_mlp", "blocks.{i}.alpha_mlp"},
    {Dialect::timm, "blocks.{i}.gamma", "blocks.{i}.gamma"},
    {Dialect::timm, "predictors.*", "predictors.*"},
    // torchvision
    {Dialect::torchvision, "class_token", "cls_token"},
    {Dialect::torchvision, "encoder.pos_embedding", "pos_embed"},
    {Dialect::torchvision, "conv_proj.*", "patch_embed.proj.*"},
    {Dialect::torchvision, "encoder.ln.*", "norm.*"},
    {Dialect::torchvision, "heads.head.*", "head.*"},
    {Dialect::torchvision, "encoder.layers.encoder_layer_{i}.ln_1.*", "blocks.{i}.attns.0.norm.*"},
    {Dialect::torchvision, "encoder.layers.encoder_layer_{i}.self_attention.in_proj_weight",
     "blocks.{i}.attns.0.attn.qkv.weight"},
    {Dialect::torchvision, "encoder.layers.encoder_layer_{i}.self_attention.in_proj_bias",
     "blocks.{i}.attns.0.attn.qkv.bias"},
    {Dialect::torchvision, "encoder.layers.encoder_layer_{i}.self_attention.out_proj.*",
     "blocks.{i}.attns.0.attn.proj.*"},
    {Dialect::torchvision, "encoder.layers.encoder_layer_{i}.ln_2.*", "blocks.{i}.ffns.0.norm.*"},
    {Dialect::torchvision_numbered, "encoder.layers.encoder_layer_{i}.mlp.0.*",
     "blocks.{i}.ffns.0.mlp.fc1.*"},
    {Dialect::torchvision_numbered, "encoder.layers.encoder_layer_{i}.mlp.3.*",
     "blocks.{i}.ffns.0.mlp.fc2.*"},
    {Dialect::torchvision_linear, "encoder.layers.encoder_layer_{i}.mlp.linear_1.*",
     "blocks.{i}.ffns.0.mlp.fc1.*"},
    {Dialect::torchvision_linear, "encoder.layers.encoder_layer_{i}.mlp.linear_2.*",
     "blocks.{i}.ffns.0.mlp.fc2.*"},
    // SWAG
    {Dialect::swag, "class_token", "cls_token"},
    {Dialect::swag, "encoder.pos_embedding", "pos_embed"},
    {Dialect::swag, "conv_proj.*", "patch_embed.proj.*"},
    {Dialect::swag, "encoder.ln.*", "norm.*"},
    {Dialect::swag, "head.layers.head.*", "head.*"},
    {Dialect::swag, "encoder.layers.layer_{i}.ln_1.*", "blocks.{i}.attns.0.norm.*"},
    {Dialect::swag, "encoder.layers.layer_{i}.self_attention.in_proj_weight",
     "blocks.{i}.attns.0.attn.qkv.weight"},
    {Dialect::swag, "encoder.layers.layer_{i}.self_attention.in_proj_bias",
     "blocks.{i}.attns.0.attn.qkv.bias"},
    {Dialect::swag, "encoder.layers.layer_{i}.self_attention.out_proj.*",
     "blocks.{i}.attns.0.attn.proj.*"},
    {Dialect::swag, "encoder.layers.layer_{i}.ln_2.*", "blocks.{i}.ffns.0.norm.*"},
    {Dialect::swag, "encoder.layers.layer_{i}.mlp.linear_1.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {Dialect::swag, "encoder.layers.layer_{i}.mlp.linear_2.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    // transformers: ViT, DeiT, DINOv2, ViTMAE
    {Dialect::transformers, "embeddings.cls_token", "cls_token"},
    {Dialect::transformers, "embeddings.distillation_token", "dist_token"},
    {Dialect::transformers, "embeddings.register_tokens", "reg_token"},
    {Dialect::transformers, "embeddings.position_embeddings", "pos_embed"},
    {Dialect::transformers, "embeddings.patch_embeddings.projection.*", "patch_embed.proj.*"},
    {Dialect::transformers, "layernorm.*", "norm.*"},
    {Dialect::transformers_head, "classifier.*", "head.*"},
    {Dialect::transformers_deit, "cls_classifier.*", "head.*"},
    {Dialect::transformers_deit, "distillation_classifier.*", "head_dist.*"},
    {Dialect::transformers_vit, "encoder.layer.{i}.layernorm_before.*",
     "blocks.{i}.attns.0.norm.*"},
    {Dialect::transformers_dinov2, "encoder.layer.{i}.norm1.*", "blocks.{i}.attns.0.norm.*"},
    {Dialect::transformers, "encoder.layer.{i}.attention.attention.query.*",
     "blocks.{i}.attns.0.attn.q.*"},
    {Dialect::transformers, "encoder.layer.{i}.attention.attention.key.*",
     "blocks.{i}.attns.0.attn.k.*"},
    {Dialect::transformers, "encoder.layer.{i}.attention.attention.value.*",
     "blocks.{i}.attns.0.attn.v.*"},
    {Dialect::transformers, "encoder.layer.{i}.attention.output.dense.*",
     "blocks.{i}.attns.0.attn.proj.*"},
    {Dialect::transformers_dinov2, "encoder.layer.{i}.layer_scale1.lambda1",
     "blocks.{i}.attns.0.ls.gamma"},
    {Dialect::transformers_vit, "encoder.layer.{i}.layernorm_after.*", "blocks.{i}.ffns.0.norm.*"},
    {Dialect::transformers_dinov2, "encoder.layer.{i}.norm2.*", "blocks.{i}.ffns.0.norm.*"},
    {Dialect::transformers_vit, "encoder.layer.{i}.intermediate.dense.*",
     "blocks.{i}.ffns.0.mlp.fc1.*"},
    {Dialect::transformers_vit, "encoder.layer.{i}.output.dense.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {Dialect::transformers_dinov2, "encoder.layer.{i}.mlp.fc1.*", "blocks.{i}.ffns.0.mlp.fc1.*"},
    {Dialect::transformers_dinov2, "encoder.layer.{i}.mlp.fc2.*", "blocks.{i}.ffns.0.mlp.fc2.*"},
    {Dialect::transformers_dinov2, "encoder.layer.{i}.layer_scale2.lambda1",
     "blocks.{i}.ffns.0.ls.gamma"},
};

// Put before every name by those who wrap a model in another; longer ones first.
constexpr std::string_view kWrappers[] = {"teacher.backbone.",
                                          "dinov2_with_registers.",
                                          "_orig_mod.",
                                          "module.",
                                          "model.",
                                          "backbone.",
                                          "dinov2.",
                                          "vit.",
                                          "deit."};

struct Kind {
  std::string_view part;
  std::string_view what;
};

// By how the name begins.
constexpr Kind kHarmlessBeginnings[] = {
    {"model_ema.", "averaged copies of weights (EMA)"},
    {"module_ema.", "averaged copies of weights (EMA)"},
    {"ema.", "averaged copies of weights (EMA)"},
    {"ema_model.", "averaged copies of weights (EMA)"},
    {"state_dict_ema.", "averaged copies of weights (EMA)"},
    {"n_averaged", "averaged copies of weights (EMA)"},
    {"student.", "a student's weights"},
    {"teacher.dino_head.", "heads of self-supervised training"},
    {"teacher.ibot_head.", "heads of self-supervised training"},
    {"dino_head.", "heads of self-supervised training"},
    {"ibot_head.", "heads of self-supervised training"},
    {"decoder", "a decoder of masked pre-training"},
    {"lm_head.", "a decoder of masked pre-training"},
    {"mask_token", "tokens of masked pre-training"},
    {"embeddings.mask_token", "tokens of masked pre-training"},
    {"pooler.", "a pooler that no output here passes through"},
    {"embeddings.position_ids", "buffers"},
};
constexpr Kind kHarmlessEndings[] = {{"num_batches_tracked", "buffers"}};

// By what the name holds.
constexpr Kind kUnsupported[] = {
    {"w12", "SwiGLU"},
    {"weights_in", "SwiGLU"},
    {"fc1_g", "SwiGLU"},
    {"fc1_x", "SwiGLU"},
    {"gate_proj", "SwiGLU"},
    {"rope", "rotary positions"},
    {"rotary", "rotary positions"},
    {"q_norm", "norms of queries and keys"},
    {"k_norm", "norms of queries and keys"},
    {"relative_position", "relative positions"},
    {"rel_pos", "relative positions"},
    {"attn_pool", "attention pooling"},
    {"norm_pre", "a norm before the blocks"},
};

struct Captures {
  std::string_view layer;
  std::string_view branch;
  std::string_view rest;
};

// A number without leading zeros, small enough for any model; empty if there is none.
std::string_view leading_number(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && std::isdigit(static_cast<unsigned char>(text[length])) != 0)
    ++length;
  const bool padded = length > 1 && text[0] == '0';
  return length > 4 || padded ? std::string_view() : text.substr(0, length);
}

std::optional<Captures> match(std::string_view pattern, std::string_view text) {
  Captures captures;
  while (!pattern.empty()) {
    if (pattern == "*") {
      captures.rest = text;
      return text.empty() ? std::nullopt : std::optional(captures);
    }
    if (pattern.starts_with("{")) {
      const std::string_view number = leading_number(text);
      if (number.empty() || (pattern[1] == 'k' && number == "0")) return std::nullopt;
      (pattern[1] == 'i' ? captures.layer : captures.branch) = number;
      text.remove_prefix(number.size());
      pattern.remove_prefix(3);
      continue;
    }
    if (text.empty() || text[0] != pattern[0]) return std::nullopt;
    text.remove_prefix(1);
    pattern.remove_prefix(1);
  }
  return text.empty() ? std::optional(captures) : std::nullopt;
}

std::string fill(std::string_view pattern, const Captures& captures) {
  std::string text;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*') {
      text += captures.rest;
    } else if (pattern[i] == '{') {
      text += pattern[i + 1] == 'i' ? captures.layer : captures.branch;
      i += 2;
    } else {
      text += pattern[i];
    }
  }
  return text;
}

// Takes the prefixes of those who wrap models off a name.
std::string_view unwrap(std::string_view name) {
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view wrapper : kWrappers) {
      if (!name.starts_with(wrapper)) continue;
      name.remove_prefix(wrapper.size());
      again = true;
    }
  }
  return name;
}

// DINOv2's own files may number chunks of blocks before the blocks: blocks.1.7.norm1 is layer 7.
std::string without_chunk(std::string_view name) {
  constexpr std::string_view kBlocks = "blocks.";
  if (!name.starts_with(kBlocks)) return std::string(name);
  const std::string_view chunk = leading_number(name.substr(kBlocks.size()));
  const std::string_view rest = name.substr(kBlocks.size() + chunk.size());
  const bool chunked =
      !chunk.empty() && rest.starts_with(".") && !leading_number(rest.substr(1)).empty();
  return chunked ? std::string(kBlocks) + std::string(rest.substr(1)) : std::string(name);
}

}  // namespace

std::optional<Canonical> canonical_name(std::string_view file_name) {
  if (harmless_kind(file_name)) return std::nullopt;
  const std::string_view unwrapped = unwrap(file_name);
  const std::string name = without_chunk(unwrapped);
  for (const Rule& rule : kRules) {
    if (const auto captures = match(rule.file, name)) {
      const std::string_view wrapper = file_name.substr(0, file_name.size() - unwrapped.size());
      return Canonical{fill(rule.canonical, *captures), rule.dialect, std::string(wrapper)};
    }
  }
  return std::nullopt;
}

std::optional<std::string> dialect_name(std::string_view canonical, Dialect dialect) {
  for (const Rule& rule : kRules) {
    if (rule.dialect != dialect) continue;
    if (const auto captures = match(rule.canonical, canonical)) return fill(rule.file, *captures);
  }
  return std::nullopt;
}

std::string timm_name(std::string_view canonical, int branches) {
  if (branches > 1 && canonical.starts_with("blocks.")) return std::string(canonical);
  for (const Dialect dialect : {Dialect::timm, Dialect::timm_scale}) {
    if (auto name = dialect_name(canonical, dialect)) return *std::move(name);
  }
  return std::string(canonical);
}

std::string Speller::spell(std::string_view canonical) const {
  std::string best(canonical);
  int most = 0;
  for (const auto& [habit, count] : habits_) {
    const auto& [dialect, wrapper] = habit;
    if (count <= most) continue;
    const auto name = dialect_name(canonical, dialect);
    if (!name) continue;
    best = wrapper + *name;
    most = count;
  }
  return best;
}

std::optional<std::string> harmless_kind(std::string_view file_name) {
  const std::string_view name = unwrap(file_name);
  for (const Kind& kind : kHarmlessBeginnings) {
    if (name.starts_with(kind.part) || file_name.starts_with(kind.part))
      return std::string(kind.what);
  }
  for (const Kind& kind : kHarmlessEndings) {
    if (name.ends_with(kind.part)) return std::string(kind.what);
  }
  return std::nullopt;
}

std::optional<std::string> unsupported_kind(std::string_view file_name) {
  for (const Kind& kind : kUnsupported) {
    if (file_name.find(kind.part) != std::string_view::npos) return std::string(kind.what);
  }
  return std::nullopt;
}

}  // namespace fovea
