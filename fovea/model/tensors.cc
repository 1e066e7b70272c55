// Every tensor by name and shape, part by part.
#include "fovea/model/tensors.h"

#include <fmt/format.h>

namespace fovea {
namespace {

using Visit = std::function<void(const std::string&, const Shape&)>;

void visit_norm(const Visit& visit, const std::string& name, int64_t channels,
                NormKind kind = NormKind::layer) {
  visit(name + ".weight", {channels});
  if (kind == NormKind::layer) visit(name + ".bias", {channels});
}

void visit_linear(const Visit& visit, const std::string& name, int64_t in, int64_t out,
                  bool has_bias = true) {
  visit(name + ".weight", {out, in});
  if (has_bias) visit(name + ".bias", {out});
}

void visit_convolution(const Visit& visit, const std::string& name, int64_t in, int64_t out,
                       int64_t height, int64_t width) {
  visit(name + ".weight", {out, in, height, width});
  visit(name + ".bias", {out});
}

void visit_batch_norm(const Visit& visit, const std::string& name, int64_t channels) {
  visit_norm(visit, name, channels);
  visit(name + ".running_mean", {channels});
  visit(name + ".running_var", {channels});
}

// Convolutions, each with a batch norm after it. Those that overlap have no bias, for the norms
// have one, and a 1x1 convolution behind them.
void visit_convolutions(const Visit& visit, const std::string& name, const Architecture& a) {
  int64_t channels = a.in_channels;
  int index = 0;
  for (const StemConvolution& step : a.convolutions) {
    const std::string convolution = fmt::format("{}.{}", name, index);
    const int64_t out = step.channels;
    visit(convolution + ".weight", {out, channels, step.kernel, step.kernel});
    if (a.stem == Stem::hmlp) visit(convolution + ".bias", {out});
    visit_batch_norm(visit, fmt::format("{}.{}", name, index + 1), out);
    channels = out;
    index += 3;
  }
  if (a.stem == Stem::conv)
    visit_convolution(visit, fmt::format("{}.{}", name, index), channels, a.width, 1, 1);
}

void visit_stem(const Visit& visit, const Architecture& a) {
  const std::string name = "patch_embed.proj";
  if (a.stem == Stem::linear) {
    visit(name + ".weight", {a.width, a.in_channels, a.patch.rows, a.patch.columns});
    if (a.patch_bias) visit(name + ".bias", {a.width});
  } else {
    visit_convolutions(visit, name, a);
  }
  if (a.patch_norm) visit_norm(visit, "patch_embed.norm", a.width, *a.patch_norm);
  if (a.class_token) visit("cls_token", {1, 1, a.width});
  if (a.distillation_token) visit("dist_token", {1, 1, a.width});
  if (a.registers > 0) visit("reg_token", {1, a.registers, a.width});
  if (a.position_rows > 0) visit("pos_embed", {1, a.position_rows, a.width});
  if (a.pre_norm) visit_norm(visit, "norm_pre", a.width, *a.pre_norm);
  if (a.block.rotation && a.block.rotation->kind == RotationKind::mixed)
    visit("rope.freqs", {2, a.depth, a.block.heads, a.layer(0).head_width() / 2});
  if (a.block.shares_bias) visit("rel_pos_bias.table", {a.block.bias_rows, a.block.heads});
}

void visit_block(const Visit& visit, const Architecture& a, int layer) {
  const int64_t c = a.width;
  const BlockShape shape = a.layer(layer);
  for (int branch = 0; branch < shape.branches; ++branch) {
    const std::string name = fmt::format("blocks.{}.attns.{}.", layer, branch);
    visit_norm(visit, name + "norm", c, shape.norm);
    visit_linear(visit, name + "attn.qkv", c, 3 * c);
    if (shape.qk_norm) {
      for (const char* norm : {"attn.q_norm", "attn.k_norm"})
        visit_norm(visit, name + norm, shape.head_width(), *shape.qk_norm);
    }
    if (shape.attention_norm) visit_norm(visit, name + "attn.norm", c, *shape.attention_norm);
    if (shape.bias_rows > 0 && !shape.shares_bias)
      visit(name + "attn.bias_table", {shape.bias_rows, shape.heads});
    visit_linear(visit, name + "attn.proj", c, c, shape.proj_bias);
    if (shape.scale_attention) visit(name + "ls.gamma", {c});
  }
  for (int branch = 0; branch < shape.branches; ++branch) {
    const std::string name = fmt::format("blocks.{}.ffns.{}.", layer, branch);
    const int64_t hidden = shape.mlp_width;
    visit_norm(visit, name + "norm", c, shape.norm);
    visit_linear(visit, name + "mlp.fc1", c, shape.gated ? 2 * hidden : hidden, shape.fc1_bias);
    if (shape.mlp_norm) visit_norm(visit, name + "mlp.norm", hidden, *shape.mlp_norm);
    visit_linear(visit, name + "mlp.fc2", hidden, c, shape.fc2_bias);
    if (shape.scale_mlp) visit(name + "ls.gamma", {c});
  }
}

// What the block of a routed layer has besides.
void visit_routed(const Visit& visit, const Architecture& a, int layer) {
  const std::string name = fmt::format("blocks.{}.", layer);
  visit(name + "alpha_attn", {1});
  visit(name + "alpha_mlp", {1});
  if (!a.routing->has_little(layer)) return;
  const int64_t c = a.width;
  const int64_t width = a.routing->little_width;
  const int64_t mlp_width = a.routing->little_mlp_width;
  visit(name + "gamma", {1});
  visit_norm(visit, name + "little.norm1", c);
  visit_linear(visit, name + "little.attn.qkv", c, 3 * width);
  visit_linear(visit, name + "little.attn.proj", width, c);
  visit_norm(visit, name + "little.norm2", c);
  visit_linear(visit, name + "little.mlp.down", c, width);
  visit_linear(visit, name + "little.mlp.fc1", width, mlp_width);
  visit_linear(visit, name + "little.mlp.fc2", mlp_width, width);
  visit_linear(visit, name + "little.mlp.up", width, c);
}

void visit_predictors(const Visit& visit, const Architecture& a) {
  for (size_t i = 0; i < a.routing->predict_after.size(); ++i) {
    visit_linear(visit, fmt::format("predictors.{}", i), a.width, 2);
  }
}

void visit_pool(const Visit& visit, const Architecture& a) {
  const int64_t c = a.width;
  visit("attn_pool.latent", {1, 1, c});
  visit_linear(visit, "attn_pool.qkv", c, 3 * c);
  visit_linear(visit, "attn_pool.proj", c, c);
  visit_norm(visit, "attn_pool.norm", c, a.block.norm);
  visit_linear(visit, "attn_pool.mlp.fc1", c, a.attention_pool->mlp_width);
  visit_linear(visit, "attn_pool.mlp.fc2", a.attention_pool->mlp_width, c);
}

void visit_head(const Visit& visit, const Architecture& a) {
  if (a.final_norm) visit_norm(visit, "norm", a.width, a.block.norm);
  if (a.attention_pool) visit_pool(visit, a);
  if (a.fc_norm) visit_norm(visit, "fc_norm", a.width, a.block.norm);
  if (a.projection > 0) visit("projection.weight", {a.projection, a.width});
  if (a.classes == 0) return;
  visit_linear(visit, "head", a.features(), a.classes);
  if (a.distilled_head) visit_linear(visit, "head_dist", a.width, a.classes);
}

}  // namespace

void for_each_tensor(const Architecture& architecture, const Visit& visit) {
  visit_stem(visit, architecture);
  for (int layer = 0; layer < architecture.depth; ++layer) {
    visit_block(visit, architecture, layer);
    if (layer >= architecture.plain_layers()) visit_routed(visit, architecture, layer);
  }
  if (architecture.routing) visit_predictors(visit, architecture);
  visit_head(visit, architecture);
}

std::vector<Weight> read_weights(WeightSource& source, const Architecture& architecture) {
  std::vector<Weight> weights;
  for_each_tensor(architecture, [&](const std::string& name, const Shape& shape) {
    weights.push_back(source.named(name, shape));
  });
  return weights;
}

}  // namespace fovea
