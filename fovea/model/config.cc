// config.json, style by style.
#include "fovea/model/config.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "fovea/io/file.h"
#include "fovea/io/json.h"
#include "fovea/model/config_keys.h"
#include "fovea/model/preprocessing.h"
#include "fovea/model/published.h"

namespace fovea {
namespace {

using nlohmann::json;
using Keys = ConfigKeys;

constexpr int kMostLayers = 10000;

void check_activation(const Keys& keys, const std::string& key) {
  const auto name = keys.text(key);
  if (name && *name != "gelu")
    keys.refuse(key, "gelu, the erf form; other activations are not supported");
}

void refuse_flags(const Keys& keys, std::initializer_list<const char*> flags) {
  for (const char* flag : flags) {
    if (keys.flag(flag)) keys.refuse(flag, "false; it is not supported");
  }
}

void read_pooling(const Keys& keys, Config& config) {
  const auto pool = keys.text("global_pool");
  if (!pool || pool->empty()) return;
  if (*pool != "token" && *pool != "avg") keys.refuse("global_pool", "token or avg");
  config.pooling = *pool == "token" ? Pooling::token : Pooling::average;
}

void check_architecture(const Keys& keys, const Config& config) {
  const std::string_view part = published_as(config.architecture).unsupported;
  if (!part.empty())
    keys.refuse("architecture", fmt::format("a plain ViT; {} is not supported", part));
}

// Layers after which a big.LITTLE ViT predicts who is important.
void read_predict_after(const Keys& args, Config& config) {
  constexpr const char* kExpected = "a list of layers, counted from 1, each after the one before";
  const json* layers = args.find("predict_after");
  if (layers == nullptr) return;
  if (!layers->is_array() || layers->empty()) args.refuse("predict_after", kExpected);
  int last = 0;
  for (const json& layer : *layers) {
    const bool fits = layer.is_number_integer() && layer > last && layer <= kMostLayers;
    if (!fits) args.refuse("predict_after", kExpected);
    config.predict_after.push_back(last = layer.get<int>());
  }
}

void read_routing(const Keys& args, Config& config) {
  config.little_heads = args.whole("little_num_heads", 1, 1024);
  config.first_big = args.whole("first_big", 1, kMostLayers);
  config.little_every = args.whole("little_every", 1, kMostLayers);
  config.keep_ratio = args.number("keep_ratio", 0, 1).value_or(config.keep_ratio);
  if (config.keep_ratio == 0) args.refuse("keep_ratio", "a number above 0, at most 1");
  config.learned_routing = args.flag("learned_routing", true);
  config.cross_attention = args.flag("cross_attention", true);
  read_predict_after(args, config);
}

// What timm's models can be made with and leaves traces in no tensor.
void read_model_args(const Keys& args, Config& config) {
  check_activation(args, "act_layer");
  refuse_flags(args, {"use_rotary", "use_rope", "qk_norm", "rope"});
  if (const auto mlp = args.text("mlp_layer"); mlp && *mlp != "mlp")
    args.refuse("mlp_layer", "mlp; other kinds are not supported");
  if (const auto norm = args.text("norm_layer"); norm && *norm != "layernorm")
    args.refuse("norm_layer", "layernorm; other norms are not supported");
  const std::string positions = args.text("pos_embed").value_or("learn");
  if (positions != "learn" && positions != "none" && !positions.empty())
    args.refuse("pos_embed", "learn or none");
  config.position_embedding = positions == "learn";
  config.final_norm = args.flag("final_norm", true);
}

// The last of several ways to give a number that has a value.
template <class... Found>
std::optional<int> last_of(Found... found) {
  std::optional<int> last;
  ((last = found ? found : last), ...);
  return last;
}

// Whether a file is there, or might be: reading it then says what is wrong.
bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) || error;
}

}  // namespace

Config parse_config(const std::string& text, const std::string& name) {
  const json value = parse_json_object(text, name);
  const Keys top(value, name, "");
  const Keys args = top.object("model_args");
  Config config;
  config.architecture = top.text("architecture").value_or(top.text("model_type").value_or(""));
  if (top.find("architecture") != nullptr) check_architecture(top, config);
  check_activation(top, "hidden_act");
  refuse_flags(top, {"use_swiglu_ffn", "use_rotary", "use_rope"});
  read_model_args(args, config);
  read_routing(args, config);
  config.heads = last_of(top.whole("num_attention_heads", 1, 1024), top.whole("num_heads", 1, 1024),
                         args.whole("num_heads", 1, 1024));
  config.depth =
      last_of(top.whole("num_hidden_layers", 1, kMostLayers), args.whole("depth", 1, kMostLayers));
  config.image_size = top.size("image_size");
  if (const auto size = args.size("img_size")) config.image_size = size;
  config.patch_size = top.size("patch_size");
  if (const auto size = args.size("patch_size")) config.patch_size = size;
  config.layer_norm_eps = top.number("layer_norm_eps", 0, 1).value_or(1e-6);
  read_pooling(top, config);
  read_pooling(args, config);
  const Keys pretrained = top.object("pretrained_cfg");
  // Older files of timm have the keys at the top. What it takes where its config is silent:
  if (!pretrained.all().empty() || top.find("mean") != nullptr || top.find("std") != nullptr) {
    config.preprocessing.crop_pct = 0.875;
    config.preprocessing.assumed = false;
  }
  for (const Keys* keys : {&top, &pretrained}) read_timm_preprocessing(*keys, config);
  read_labels(top, pretrained, config);
  return config;
}

int resized_side(int side, double crop_pct) {
  // A share that was made from two whole numbers gives back the larger one, however it was rounded.
  return static_cast<int>(side / crop_pct + 1e-6);
}

Config read_config(const std::filesystem::path& folder) {
  Config config;
  const std::filesystem::path main = folder / "config.json";
  if (is_there(main)) config = parse_config(read_text(main), main.string());
  const std::filesystem::path preprocessor = folder / "preprocessor_config.json";
  if (is_there(preprocessor))
    parse_preprocessor_config(read_text(preprocessor), preprocessor.string(), config);
  return config;
}

}  // namespace fovea
