// Reading JSON key by key, with a clear line for whatever does not fit.
#include "fovea/model/config.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/json.h"
#include "fovea/model/config_keys.h"
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

void read_interpolation(const Keys& keys, Preprocessing& p) {
  const auto name = keys.text("interpolation");
  if (!name) return;
  if (*name != "bicubic" && *name != "bilinear")
    keys.refuse("interpolation", "bicubic or bilinear");
  p.interpolation = *name == "bicubic" ? Interpolation::bicubic : Interpolation::bilinear;
}

void read_crop_mode(const Keys& keys, Preprocessing& p) {
  const auto mode = keys.text("crop_mode");
  if (!mode) return;
  if (*mode != "center" && *mode != "squash") keys.refuse("crop_mode", "center or squash");
  p.squash = *mode == "squash";
}

// timm's pretrained_cfg; older files have the same keys at the top.
void read_pretrained(const Keys& keys, Config& config) {
  Preprocessing& p = config.preprocessing;
  if (const auto size = keys.size("input_size")) config.input_size = size;
  keys.colours("mean", -1000, p.mean);
  keys.colours("std", 1e-6F, p.std);
  read_interpolation(keys, p);
  read_crop_mode(keys, p);
  if (const auto pct = keys.number("crop_pct", 0.05, 1)) p.crop_pct = *pct;
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

// The share of `from` pixels that a crop of `crop` takes, such that crop / share, rounded down, is
// `from` again.
double share_of(int crop, int from) {
  double share = static_cast<double>(crop) / from;
  while (static_cast<int>(crop / share) < from) share = std::nextafter(share, 0.0);
  return share;
}

// The size that a picture gets: the short side to shortest_edge, or straight to height x width;
// then the crop, if there is one, from the centre.
void read_resize(const Keys& top, Config& config) {
  Preprocessing& p = config.preprocessing;
  const json* size = top.find("size");
  if (size == nullptr) return;
  std::optional<std::array<int, 2>> resized;
  p.squash = true;
  if (size->is_object()) {
    const Keys sides = top.object("size");
    const auto edge = sides.whole("shortest_edge", 1, kLargestSide);
    const auto height = edge ? edge : sides.whole("height", 1, kLargestSide);
    const auto width = edge ? edge : sides.whole("width", 1, kLargestSide);
    if (!height || !width) top.refuse("size", "shortest_edge, or height and width");
    p.squash = !edge;
    resized = {*height, *width};
  } else {
    resized = top.size("size");
  }
  const json* crop = top.find("crop_size");
  config.input_size = resized;
  p.crop_pct = 1;
  if (crop == nullptr || !top.flag("do_center_crop", true)) return;
  if (crop->is_object()) {
    const Keys sides = top.object("crop_size");
    const auto height = sides.whole("height", 1, (*resized)[0]);
    const auto width = sides.whole("width", 1, (*resized)[1]);
    if (!height || !width) top.refuse("crop_size", "height and width");
    config.input_size = {*height, *width};
  } else {
    config.input_size = top.size("crop_size");
  }
  const auto [height, width] = *config.input_size;
  if (height > (*resized)[0] || width > (*resized)[1])
    top.refuse("crop_size", fmt::format("at most {} x {}", (*resized)[0], (*resized)[1]));
  p.crop_pct = share_of(height, (*resized)[0]);
  if (static_cast<int>(width / p.crop_pct) != (*resized)[1] && p.squash)
    top.refuse("crop_size", "the same share of height and width");
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
  for (const Keys* keys : {&top, &pretrained}) read_pretrained(*keys, config);
  read_labels(top, pretrained, config);
  return config;
}

void parse_preprocessor_config(const std::string& text, const std::string& name, Config& config) {
  const json value = parse_json_object(text, name);
  const Keys top(value, name, "");
  Preprocessing& p = config.preprocessing;
  top.colours("image_mean", -1000, p.mean);
  top.colours("image_std", 1e-6F, p.std);
  if (!top.flag("do_normalize", true)) {
    p.mean = {0, 0, 0};
    p.std = {1, 1, 1};
  }
  if (!top.flag("do_rescale", true)) top.refuse("do_rescale", "true");
  if (const auto resample = top.whole("resample", 0, 5)) {
    if (*resample != 2 && *resample != 3) top.refuse("resample", "2 (bilinear) or 3 (bicubic)");
    p.interpolation = *resample == 2 ? Interpolation::bilinear : Interpolation::bicubic;
  }
  read_resize(top, config);
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
