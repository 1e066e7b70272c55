// From shapes and a config to an architecture, and the checks that the two agree.
#include <algorithm>
#include <cmath>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/model/architecture.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/families/family.h"
#include "fovea/model/infer.h"
#include "fovea/model/tensors.h"

namespace fovea {
namespace {

constexpr int64_t kLargestExtent = 1 << 20;

// Weight or bias of a norm that the model, or each of its layers, may have. RMSNorm has no bias.
std::optional<NormKind> norm_of(const Checkpoint& checkpoint, const std::string& name) {
  if (checkpoint.in_any_layer(name + ".bias")) return NormKind::layer;
  if (checkpoint.in_any_layer(name + ".weight")) return NormKind::rms;
  return std::nullopt;
}

void infer_tokens(const Checkpoint& checkpoint, const Config& config, const Traits& traits,
                  Architecture& a) {
  a.distillation_token = checkpoint.has("dist_token") || has_part(checkpoint, "head_dist");
  a.class_token = checkpoint.has("cls_token") || a.distillation_token || traits.class_token;
  if (checkpoint.has("reg_token")) a.registers = token_rows(checkpoint, "reg_token");
  const bool has_positions = !traits.sinusoids && (traits.positions || !a.block.knows_places());
  a.split_positions = checkpoint.has("pos_embed_spatial") || checkpoint.has("pos_embed_temporal");
  if (a.split_positions) {
    a.position_rows = int{a.class_token} + token_rows(checkpoint, "pos_embed_temporal") *
                                               token_rows(checkpoint, "pos_embed_spatial");
  } else if (const Shape shape =
                 checkpoint.has("pos_embed") ? checkpoint.shape("pos_embed") : Shape();
             shape.size() == 4 && shape[0] == 1 && shape[3] == a.width) {
    a.position_grid = {extent(checkpoint, "pos_embed", 4, 1),
                       extent(checkpoint, "pos_embed", 4, 2)};
    a.position_rows = static_cast<int>(a.position_grid.size());
  } else if (checkpoint.has("pos_embed") || (config.position_embedding && has_positions)) {
    a.position_rows = token_rows(checkpoint, "pos_embed");
  } else {
    a.sinusoids = traits.sinusoids;
  }
  a.pre_norm = norm_of(checkpoint, "norm_pre");
  a.patch_norm = norm_of(checkpoint, "patch_embed.norm");
  // Where a norm follows the convolution may do without a bias.
  a.patch_bias = !a.pre_norm || checkpoint.has("patch_embed.proj.bias");
}

// The grid that tables of relative positions are made for: (2 gh - 1) (2 gw - 1) + 3 rows.
void infer_bias_grid(const Checkpoint& checkpoint, Architecture& a) {
  if (a.block.bias_rows == 0) return;
  const auto rows_of = [](const Grid& grid) {
    return (2 * grid.rows - 1) * (2 * grid.columns - 1) + 3;
  };
  for (const Grid& size : {a.image_size, a.input_size}) {
    const Grid grid = size / a.patch;
    if (!grid.empty() && rows_of(grid) == a.block.bias_rows) a.block.bias_grid = grid;
  }
  if (a.block.bias_grid.rows > 0) return;
  const int side =
      (static_cast<int>(std::lround(std::sqrt(std::max(0, a.block.bias_rows - 3)))) + 1) / 2;
  if (side > 0 && rows_of({side, side}) == a.block.bias_rows) {
    a.block.bias_grid = {side, side};
    return;
  }
  fail(
      "{}: tables of relative positions have {} rows, whose grid can't be told; config.json should "
      "give image_size",
      checkpoint.file_name(), a.block.bias_rows);
}

// What the config says, else the family's table of published architectures, else the width where
// all models of that width have equally many.
int heads_of(const Config& config, const Traits& traits, const Checkpoint& checkpoint, int width,
             bool gated) {
  if (config.heads) {
    if (width % *config.heads != 0) {
      fail("{}: {} channels can't be shared out to {} heads; expected a number that divides them",
           checkpoint.file_name(), width, *config.heads);
    }
    return *config.heads;
  }
  if (config.head_width && width % *config.head_width == 0) return width / *config.head_width;
  const std::string table = "blocks.0.attns.0.attn.rel_pos_h";
  if (checkpoint.has(table) && width % extent(checkpoint, table, 2, 1) == 0) {
    return width / extent(checkpoint, table, 2, 1);
  }
  if (traits.heads > 0 && width % traits.heads == 0) return traits.heads;
  if (width % 64 == 0 && width <= 1024) return width / 64;
  constexpr int kOfSixteen[] = {1152, 1280, 1408, 1664, 1792};
  if (std::find(std::begin(kOfSixteen), std::end(kOfSixteen), width) != std::end(kOfSixteen))
    return 16;
  if (width == 1536 && gated) return 24;
  fail(
      "{}: the number of heads can't be told for {} channels; expected --num-heads N, or num_heads "
      "in config.json",
      checkpoint.file_name(), width);
}

// Rows of a tensor, of whatever parts the file keeps it in.
int rows_of(const Checkpoint& checkpoint, const std::string& name) {
  int rows = 0;
  for (const Checkpoint::Part& part : checkpoint.parts(name, 1)) {
    rows += extent(checkpoint, part.name, 2, 0);
  }
  return rows;
}

void infer_mlp(const Checkpoint& checkpoint, const Config& config, const Traits& traits,
               Architecture& a) {
  const std::string mlp = "blocks.0.ffns.0.mlp.";
  const int rows = rows_of(checkpoint, mlp + "fc1.weight");
  const int taken = extent(checkpoint, mlp + "fc2.weight", 2, 1);
  a.block.gated = rows == 2 * taken;
  a.block.mlp_width = a.block.gated ? taken : rows;
  a.block.activation =
      a.block.gated ? Activation::silu : config.activation.value_or(traits.activation);
  a.block.fc1_bias = checkpoint.has_any(mlp + "fc1.bias");
  a.block.fc2_bias = checkpoint.in_any_layer(mlp + "fc2.bias");
  a.block.mlp_norm = norm_of(checkpoint, mlp + "norm");
  a.block.scale_mlp = !a.block.post_norm && checkpoint.in_any_layer("blocks.0.ffns.0.ls.gamma");
  if (config.gated_mlp && *config.gated_mlp != a.block.gated) {
    fail("{}: the MLP is {}, but config.json says {} of a gated one; expected the same",
         checkpoint.file_name(), a.block.gated ? "gated" : "not gated",
         *config.gated_mlp ? "true" : "false");
  }
}

void infer_attention(const Checkpoint& checkpoint, const Config& config, const Traits& traits,
                     Architecture& a) {
  const std::string attn = "blocks.0.attns.0.attn.";
  a.block.heads = heads_of(config, traits, checkpoint, a.width, a.block.gated);
  a.block.proj_bias = checkpoint.in_any_layer(attn + "proj.bias");
  a.block.qk_norm = norm_of(checkpoint, attn + "q_norm");
  if (!a.block.qk_norm) a.block.qk_norm = norm_of(checkpoint, attn + "k_norm");
  a.block.attention_norm = norm_of(checkpoint, attn + "norm");
  a.block.scale_attention =
      !a.block.post_norm && checkpoint.in_any_layer("blocks.0.attns.0.ls.gamma");
  if (config.qk_norm && *config.qk_norm != a.block.qk_norm.has_value()) {
    fail("{}: {} of queries and keys, but config.json gives qk_norm as {}; expected the same",
         checkpoint.file_name(), a.block.qk_norm ? "norms" : "no norms",
         *config.qk_norm ? "true" : "false");
  }
  a.block.rotation = traits.rotation;
  if (checkpoint.has("rope.freqs")) a.block.rotation = Rotation{.kind = RotationKind::mixed};
  a.block.shares_bias = checkpoint.has("rel_pos_bias.table");
  const std::string table = a.block.shares_bias ? "rel_pos_bias.table" : attn + "bias_table";
  if (checkpoint.in_any_layer(table)) a.block.bias_rows = extent(checkpoint, table, 2, 0);
  const int head_width = a.layer(0).head_width();
  if (a.block.rotation && head_width % 4 != 0) {
    fail("{}: {} channels a head; expected a multiple of 4 where positions are rotary",
         checkpoint.file_name(), head_width);
  }
}

void infer_blocks(const Checkpoint& checkpoint, const Config& config, const Traits& traits,
                  Architecture& a) {
  a.depth = checkpoint.depth();
  if (a.depth == 0)
    fail("{}: no transformer blocks found under any known name", checkpoint.file_name());
  if (config.depth && *config.depth != a.depth) {
    fail("{}: {} layers found; config.json says {}", checkpoint.file_name(), a.depth,
         *config.depth);
  }
  a.block.branches = std::max(1, checkpoint.branches());
  const bool is_rms = norm_of(checkpoint, "blocks.0.attns.0.norm") == NormKind::rms &&
                      norm_of(checkpoint, "blocks.0.ffns.0.norm") == NormKind::rms;
  a.block.norm = is_rms ? NormKind::rms : NormKind::layer;
  a.block.eps = config.layer_norm_eps.value_or(traits.eps);
  a.block.post_norm = config.post_norm.value_or(traits.post_norm);
  infer_mlp(checkpoint, config, traits, a);
  infer_attention(checkpoint, config, traits, a);
}

// Of a model whose norms tell it: the mean of all has fc_norm or none, the first patch the final
// norm.
Pooling pooling_of_norms(const Checkpoint& checkpoint, const Config& config, bool has_norm,
                         const Architecture& a) {
  if (has_norm && a.fc_norm) {
    fail("{}: tensors {} and {}; expected one of them", checkpoint.file_name(),
         checkpoint.spelling("norm.weight"), checkpoint.spelling("fc_norm.weight"));
  }
  const Pooling told = has_norm ? Pooling::token : Pooling::average;
  Pooling said = config.pooling.value_or(told);
  if (config.mean_pooling) said = *config.mean_pooling ? Pooling::average : Pooling::token;
  if (said == told) return told;
  fail("{}: config.json asks for {}; expected {} tensor {}", checkpoint.file_name(),
       said == Pooling::average ? "the mean of all tokens" : "the first token",
       has_norm ? "no" : "a", checkpoint.spelling("norm.weight"));
}

Pooling pooling_of(const Checkpoint& checkpoint, const Config& config, const Traits& traits,
                   const Architecture& a) {
  const bool maps = checkpoint.has("attn_pool.latent");
  // SigLIP's classifier of transformers sees the mean, and leaves its attention pooling unused.
  if (maps && config.pooling.value_or(Pooling::map) == Pooling::map &&
      !(has_part(checkpoint, "head") && a.family == kSiglip.name)) {
    return Pooling::map;
  }
  const Pooling otherwise =
      a.fc_norm || !a.class_token ? Pooling::average : traits.pooling.value_or(Pooling::token);
  const Pooling pooling = config.pooling.value_or(otherwise);
  if (pooling == Pooling::map) {
    fail("{}: config.json asks for attention pooling; expected a tensor attn_pool.latent",
         checkpoint.file_name());
  }
  if ((pooling == Pooling::token || pooling == Pooling::prefix) && !a.class_token) {
    fail("{}: config.json asks for pooling by class token; expected a tensor {}",
         checkpoint.file_name(), checkpoint.spelling("cls_token"));
  }
  return pooling;
}

AttentionPool attention_pool_of(const Checkpoint& checkpoint, const Config& config,
                                const Traits& traits, const Architecture& a) {
  AttentionPool pool;
  pool.heads =
      config.pool_heads.value_or(traits.pool_heads > 0 ? traits.pool_heads : a.block.heads);
  pool.mlp_width = extent(checkpoint, "attn_pool.mlp.fc1.weight", 2, 0);
  pool.activation = traits.pool_activation.value_or(config.activation.value_or(traits.activation));
  pool.with_prefix = config.pools_prefix.value_or(traits.pools_prefix);
  if (a.width % pool.heads != 0) {
    fail(
        "{}: {} channels can't be shared out to {} heads of attention pooling; expected "
        "attn_pool_num_heads in config.json to divide them",
        checkpoint.file_name(), a.width, pool.heads);
  }
  return pool;
}

void infer_head(const Checkpoint& checkpoint, const Config& config, const Traits& traits,
                Architecture& a) {
  if (checkpoint.has("neck.0.weight")) {
    a.neck = extent(checkpoint, "neck.0.weight", 4, 0);
    a.pooling = Pooling::average;
    checkpoint.leave_out("prompt_encoder.");
    checkpoint.leave_out("mask_decoder.");
    return;
  }
  a.fc_norm = has_part(checkpoint, "fc_norm");
  if (a.fc_norm) a.fc_norm_eps = config.fc_norm_eps ? config.fc_norm_eps : traits.fc_norm_eps;
  a.late_norm = traits.late_norm;
  const bool has_norm = has_part(checkpoint, "norm");
  const bool norms_tell = traits.norms_tell_pooling && !a.class_token;
  a.pooling = norms_tell ? pooling_of_norms(checkpoint, config, has_norm, a)
                         : pooling_of(checkpoint, config, traits, a);
  a.first_patch_leads =
      !a.class_token && (traits.drops_first || (norms_tell && a.pooling == Pooling::token));
  // Only a norm after pooling, or the config, can take the place of the final norm.
  a.final_norm = has_norm || (config.final_norm && !a.fc_norm && !norms_tell);
  if (a.pooling == Pooling::map) {
    a.attention_pool = attention_pool_of(checkpoint, config, traits, a);
  } else {
    checkpoint.leave_out("attn_pool.");
  }
  if (checkpoint.has("projection.weight"))
    a.projection = extent(checkpoint, "projection.weight", 2, 0);
  if (!has_part(checkpoint, "head")) return;
  a.classes = extent(checkpoint, "head.weight", 2, 0);
  a.head_norm = has_part(checkpoint, "head_norm");
  a.distilled_head = has_part(checkpoint, "head_dist");
  a.pool_concat = a.class_token && checkpoint.shape("head.weight")[1] == int64_t{2} * a.width;
}

// EVA's and BEiT's files look alike where no tensor tells of positions: some turn queries and keys.
void check_told(const Checkpoint& checkpoint, const Config& config, const Family& family,
                const Architecture& a) {
  const bool is_silent = config.architecture.empty() && &family == &kTimm;
  const bool is_evas = checkpoint.has("blocks.0.attns.0.attn.q.bias");
  if (!is_silent || !is_evas || a.block.knows_places()) return;
  fail(
      "{}: tensor {} is of a kind of model (EVA) of which no tensor tells whether positions are "
      "rotary; config.json should name its architecture",
      checkpoint.file_name(), checkpoint.spelling("blocks.0.attns.0.attn.q.bias"));
}

// The blocks of all layers have the same parts: names what only some of them have. What some lack
// has been named before.
void check_alike(const Checkpoint& checkpoint, const Architecture& a) {
  for (int layer = 0; layer < a.depth; ++layer) {
    for (const char* kind : {"attns", "ffns"}) {
      const std::string block = fmt::format("blocks.{}.{}.", layer, kind);
      if (const auto extra =
              checkpoint.first_under(fmt::format("{}{}.", block, a.block.branches))) {
        fail("{}: tensor {} is of branch {}; expected {} in each layer, as in the first",
             checkpoint.file_name(), checkpoint.spelling(*extra), a.block.branches + 1,
             a.block.branches);
      }
    }
  }
}

}  // namespace

int extent(const Checkpoint& checkpoint, const std::string& name, size_t rank, size_t axis) {
  const Shape shape = checkpoint.shape(name);
  if (shape.size() != rank) {
    fail("{}: tensor {} is {}; expected {} dimensions", checkpoint.file_name(),
         checkpoint.spelling(name), to_string(shape), rank);
  }
  if (shape[axis] < 1 || shape[axis] > kLargestExtent) {
    fail("{}: tensor {} is {}; expected extents from 1 to {}", checkpoint.file_name(),
         checkpoint.spelling(name), to_string(shape), kLargestExtent);
  }
  return static_cast<int>(shape[axis]);
}

int token_rows(const Checkpoint& checkpoint, const std::string& name) {
  const Shape shape = checkpoint.shape(name);
  if (shape.empty() || shape.size() > 3) extent(checkpoint, name, 3, 0);
  int rows = 1;
  for (size_t axis = 0; axis + 1 < shape.size(); ++axis)
    rows = std::max(rows, extent(checkpoint, name, shape.size(), axis));
  return rows;
}

bool has_part(const Checkpoint& checkpoint, const std::string& name) {
  return checkpoint.has(name + ".weight") || checkpoint.has(name + ".bias");
}

Architecture infer_architecture(const Checkpoint& checkpoint, const Config& config) {
  const Family& family = checkpoint.family(config.model_type, config.architecture);
  const Traits traits = family.traits(config);
  Architecture a;
  a.name = config.architecture;
  a.family = family.name;
  a.medium = traits.medium;
  a.in_channels = a.medium == Medium::sound ? 1 : 3;
  a.frequency_first = traits.frequency_first;
  a.resampling = config.plain_resampling ? Resampling::plain : traits.resampling;
  a.resizes_bias = traits.resizes_bias;
  if (config.image_size) a.image_size = *config.image_size;
  if (config.input_size) a.input_size = *config.input_size;
  infer_stem(checkpoint, config, a);
  infer_blocks(checkpoint, config, traits, a);
  infer_routing(checkpoint, config, a);
  infer_tokens(checkpoint, config, traits, a);
  infer_medium(checkpoint, config, traits, a);
  infer_bias_grid(checkpoint, a);
  infer_windows(checkpoint, a);
  infer_head(checkpoint, config, traits, a);
  check_told(checkpoint, config, family, a);
  check_config(checkpoint, config, a);
  for_each_tensor(
      a, [&](const ListedTensor& tensor) { checkpoint.expect(tensor.name, tensor.shape); });
  check_alike(checkpoint, a);
  check_routed(checkpoint, a);
  checkpoint.check_all_used();
  a.parameters = checkpoint.parameters();
  return a;
}

}  // namespace fovea
