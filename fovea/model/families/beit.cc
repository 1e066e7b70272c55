// transformers' BEiT and data2vec-vision: relative positions; the rest of their names are ViT's.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr Rule kRules[] = {
    {"beit", "pooler.layernorm.*", "fc_norm.*"},
    {"beit", "encoder.layer.{i}.lambda_1", "blocks.{i}.attns.0.ls.gamma"},
    {"beit", "encoder.layer.{i}.lambda_2", "blocks.{i}.ffns.0.ls.gamma"},
    {"beit",
     "encoder.layer.{i}.attention.attention.relative_position_bias.relative_position_bias_table",
     "blocks.{i}.attns.0.attn.bias_table"},
    {"beit", "encoder.relative_position_bias.relative_position_bias_table", "rel_pos_bias.table"},
    {"beit5", "layers.{i}.lambda_1", "blocks.{i}.attns.0.ls.gamma"},
    {"beit5", "layers.{i}.lambda_2", "blocks.{i}.ffns.0.ls.gamma"},
    {"beit5", "layers.{i}.attention.relative_position_bias.relative_position_bias_table",
     "blocks.{i}.attns.0.attn.bias_table"},
    {"beit5", "layers.{i}.relative_position_bias.relative_position_bias_table",
     "blocks.{i}.attns.0.attn.bias_table"},
    {"beit5", "encoder.layer.{i}.attention.relative_position_bias.relative_position_bias_table",
     "blocks.{i}.attns.0.attn.bias_table"},
    {"beit5", "relative_position_bias.relative_position_bias_table", "rel_pos_bias.table"},
};

constexpr std::string_view kTypes[] = {"beit", "data2vec-vision"};

constexpr std::string_view kMarks[] = {"relative_position_bias.relative_position_bias_table",
                                       "pooler.layernorm"};

constexpr std::string_view kWrappers[] = {"beit.", "data2vec_vision."};

Traits traits(const Config& config) {
  return {.eps = 1e-12,
          .heads = config.model_type.empty() ? 0 : 12,
          .resampling = Resampling::plain,
          .class_token = true,
          .resizes_bias = true};
}

}  // namespace

extern const Family kBeit = {"transformers' BEiT", kTypes, kMarks, kRules, kWrappers, {}, traits};

}  // namespace fovea
