// What shapes and a config tell of a big.LITTLE ViT's routed layers.
#include "fovea/io/fail.h"
#include "fovea/model/infer.h"

namespace fovea {
namespace {

// Routed layers from one LITTLE block to the next; 0 where there are none.
int little_every_of(const Config& config, const Checkpoint& checkpoint, const Architecture& a,
                    int first_big) {
  if (config.little_every) return *config.little_every;
  const auto has_little = [&](int layer) {
    return checkpoint.first_under(fmt::format("blocks.{}.little.", layer)).has_value();
  };
  if (!has_little(first_big)) return 0;
  int every = 1;
  while (first_big + every < a.depth && !has_little(first_big + every)) ++every;
  return every;
}

int little_heads_of(const Config& config, const Checkpoint& checkpoint, int width) {
  if (!config.little_heads && width % 64 != 0) {
    fail(
        "{}: the number of heads can't be told for {} channels of LITTLE blocks; config.json "
        "should "
        "give little_num_heads",
        checkpoint.file_name(), width);
  }
  const int heads = config.little_heads.value_or(width / 64);
  if (width % heads != 0) {
    fail(
        "{}: {} channels of LITTLE blocks can't be shared out to {} heads; config.json should give "
        "little_num_heads",
        checkpoint.file_name(), width, heads);
  }
  return heads;
}

// The layers that the config names, held against each other and against the depth.
void check_routing(const Config& config, const Checkpoint& checkpoint, const Architecture& a) {
  const std::vector<int>& layers = config.predict_after;
  const BlockShape& block = a.block;
  const char* other = block.branches > 1                         ? "parallel branches"
                      : block.scale_attention || block.scale_mlp ? "LayerScale"
                      : block.knows_places()                     ? "rotary or relative positions"
                      : block.gated                              ? "gated MLPs"
                      : block.post_norm                          ? "norms behind"
                      : block.qk_norm || block.attention_norm || block.mlp_norm ? "inner norms"
                                                                                : nullptr;
  if (other != nullptr) {
    fail("{}: predictors of a big.LITTLE ViT beside {}; expected the blocks of a plain one",
         checkpoint.file_name(), other);
  }
  if (layers.empty()) {
    fail(
        "{}: {} found, which makes it a big.LITTLE ViT; config.json should give predict_after, the "
        "layers that predictors follow",
        checkpoint.file_name(), checkpoint.spelling(*checkpoint.first_under("predictors.")));
  }
  if (config.first_big.value_or(layers.front()) != layers.front()) {
    fail("{}: config.json gives first_big as {} and predict_after from {} on; expected the same",
         checkpoint.file_name(), *config.first_big, layers.front());
  }
  if (layers.back() >= a.depth) {
    fail("{}: config.json gives predict_after up to {}; expected less than the {} layers found",
         checkpoint.file_name(), layers.back(), a.depth);
  }
}

}  // namespace

void infer_routing(const Checkpoint& checkpoint, const Config& config, Architecture& a) {
  if (!checkpoint.first_under("predictors.") && config.predict_after.empty()) return;
  check_routing(config, checkpoint, a);
  Routing routing;
  routing.predict_after = config.predict_after;
  routing.first_big = config.predict_after.front();
  routing.keep_ratio = config.keep_ratio;
  routing.learned = config.learned_routing;
  routing.cross_attention = config.cross_attention;
  routing.little_every = little_every_of(config, checkpoint, a, routing.first_big);
  if (routing.little_every > 0) {
    const std::string mlp = fmt::format("blocks.{}.little.mlp.", routing.first_big);
    routing.little_width = extent(checkpoint, mlp + "down.weight", 2, 0);
    routing.little_mlp_width = extent(checkpoint, mlp + "fc1.weight", 2, 0);
    routing.little_heads = little_heads_of(config, checkpoint, routing.little_width);
  }
  a.routing = routing;
}

void check_routed(const Checkpoint& checkpoint, const Architecture& a) {
  if (!a.routing) return;
  const Routing& routing = *a.routing;
  const auto refuse = [&](const std::string& beginning, const std::string& why) {
    const auto name = checkpoint.first_under(beginning);
    if (name) fail("{}: tensor {} {}", checkpoint.file_name(), checkpoint.spelling(*name), why);
  };
  for (int layer = 0; layer < a.depth; ++layer) {
    const std::string block = fmt::format("blocks.{}.", layer);
    if (layer < routing.first_big) {
      refuse(block + "alpha_",
             fmt::format("is of a routed layer; expected it after the first {}, as first_big and "
                         "predict_after in config.json say",
                         routing.first_big));
    }
    if (routing.has_little(layer)) continue;
    const std::string why = fmt::format(
        "is of a LITTLE block; expected one in every {} layers after the first {}, as "
        "little_every and first_big in config.json say",
        routing.little_every, routing.first_big);
    refuse(block + "little.", why);
    refuse(block + "gamma", why);
  }
  if (a.window > 0 && !routing.cross_attention) {
    fail(
        "{}: selected tokens see themselves alone, beside windows; expected cross_attention in "
        "config.json to be true",
        checkpoint.file_name());
  }
  const size_t count = routing.predict_after.size();
  refuse(fmt::format("predictors.{}.", count),
         fmt::format("is of predictor {}; predict_after in config.json names {} layers", count + 1,
                     count));
}

}  // namespace fovea
