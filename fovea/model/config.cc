// Reading JSON key by key, with a clear line for whatever does not fit.
#include "fovea/model/config.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/json.h"
#include "fovea/model/published.h"

namespace fovea {
namespace {

using nlohmann::json;

constexpr int kLargestSide = 8192;
constexpr int kMostLayers = 10000;

// One object of a config: finds keys, checks their types, and names them in messages.
class Keys {
 public:
  Keys(const json& object, std::string file, std::string path)
      : object_(object), file_(std::move(file)), path_(std::move(path)) {}

  // The value under a key; null where there is none.
  const json* find(const std::string& key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const {
    fail("{}: {}{} is {}; expected {}", file_, path_, key, printable_json(object_.at(key)),
         expected);
  }

  Keys object(const std::string& key) const {
    static const json kEmpty = json::object();
    const json* value = find(key);
    if (value != nullptr && !value->is_object()) refuse(key, "an object");
    return {value == nullptr ? kEmpty : *value, file_, path_ + key + "."};
  }

  std::optional<std::string> text(const std::string& key) const {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) refuse(key, "text");
    return value->get<std::string>();
  }

  std::optional<double> number(const std::string& key, double least, double most) const {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    const double number = value->is_number() ? value->get<double>() : NAN;
    if (!(number >= least && number <= most))
      refuse(key, fmt::format("a number from {} to {}", least, most));
    return number;
  }

  std::optional<int> whole(const std::string& key, int least, int most) const {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    const bool fits = value->is_number_integer() && *value >= least && *value <= most;
    if (!fits) refuse(key, fmt::format("a whole number from {} to {}", least, most));
    return value->get<int>();
  }

  bool flag(const std::string& key, bool otherwise = false) const {
    const json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean()) refuse(key, "true or false");
    return value->get<bool>();
  }

  // A side, [height, width] or [3, height, width].
  std::optional<std::array<int, 2>> size(const std::string& key) const {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    std::array<int, 2> size = {0, 0};
    if (value->is_number_integer()) {
      size[0] = size[1] = side(*value);
    } else if (value->is_array() &&
               (value->size() == 2 || (value->size() == 3 && value->at(0) == 3))) {
      size = {side(value->at(value->size() - 2)), side(value->back())};
    }
    if (size[0] == 0 || size[1] == 0) {
      refuse(key, fmt::format("a side, [height, width] or [3, height, width] of 1 to {} pixels",
                              kLargestSide));
    }
    return size;
  }

  // Three numbers, one a colour.
  void colours(const std::string& key, float least, std::array<float, 3>& to) const {
    const json* value = find(key);
    if (value == nullptr) return;
    bool fits = value->is_array() && value->size() == 3;
    for (size_t i = 0; fits && i < 3; ++i) {
      const double number = value->at(i).is_number() ? value->at(i).get<double>() : NAN;
      fits = number >= least && number <= 1000;
      to[i] = static_cast<float>(number);
    }
    if (!fits) refuse(key, fmt::format("three numbers from {} to 1000", least));
  }

 private:
  // 0 for what is no side.
  static int side(const json& value) {
    const bool fits = value.is_number_integer() && value >= 1 && value <= kLargestSide;
    return fits ? value.get<int>() : 0;
  }

  const json& object_;
  std::string file_;
  std::string path_;
};

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

void read_label_list(const Keys& keys, Config& config) {
  const json* names = keys.find("label_names");
  if (names == nullptr) return;
  if (!names->is_array()) keys.refuse("label_names", "a list of texts");
  config.labels.clear();
  for (const json& name : *names) {
    if (!name.is_string()) keys.refuse("label_names", "a list of texts");
    config.labels.push_back(name.get<std::string>());
  }
}

// transformers' {"0": "tench", ...}, in any order.
void read_label_map(const Keys& keys, Config& config) {
  const json* names = keys.find("id2label");
  if (names == nullptr) return;
  constexpr const char* kExpected = "an object of texts under the numbers from 0";
  if (!names->is_object()) keys.refuse("id2label", kExpected);
  config.labels.clear();
  for (size_t i = 0; i < names->size(); ++i) {
    const auto name = names->find(std::to_string(i));
    if (name == names->end() || !name->is_string()) keys.refuse("id2label", kExpected);
    config.labels.push_back(name->get<std::string>());
  }
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
  for (const Keys* keys : {&top, &pretrained}) {
    read_pretrained(*keys, config);
    read_label_list(*keys, config);
  }
  read_label_map(top, config);
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
