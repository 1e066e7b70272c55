#include "fovea/model/config.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "fovea/io/error.h"
#include "fovea/io/file.h"

namespace fovea {
namespace {

using nlohmann::json;

constexpr int kDeepest = 32;
constexpr int kLargestSide = 8192;

json parse_json(const std::string& text, const std::string& name) {
  const auto check_depth = [&](int depth, json::parse_event_t, json&) {
    if (depth > kDeepest) fail("{}: JSON is nested deeper than {} levels", name, kDeepest);
    return true;
  };
  json value;
  try {
    value = json::parse(text, check_depth);
  } catch (const json::exception& error) {
    fail("{}: not JSON: {}", name, printable(error.what()));
  }
  if (!value.is_object()) fail("{}: holds {}; expected a JSON object", name, value.type_name());
  return value;
}

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
    // Invalid UTF-8 and long values must not break the line.
    const std::string found = object_.at(key).dump(-1, ' ', true, json::error_handler_t::replace);
    fail("{}: {}{} is {}; expected {}", file_, path_, key, printable(found), expected);
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

  bool flag(const std::string& key) const {
    const json* value = find(key);
    if (value == nullptr) return false;
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
  for (const char* part : {"quickgelu", "eva", "rope", "swiglu"}) {
    if (config.architecture.find(part) != std::string::npos) {
      keys.refuse("architecture", fmt::format("a plain ViT; {} is not supported", part));
    }
  }
}

// The last of several ways to give a number that has a value.
template <class... Found>
std::optional<int> last_of(Found... found) {
  std::optional<int> last;
  ((last = found ? found : last), ...);
  return last;
}

}  // namespace

Config parse_config(const std::string& text, const std::string& name) {
  const json value = parse_json(text, name);
  const Keys top(value, name, "");
  const Keys args = top.object("model_args");
  Config config;
  config.architecture = top.text("architecture").value_or(top.text("model_type").value_or(""));
  if (top.find("architecture") != nullptr) check_architecture(top, config);
  check_activation(top, "hidden_act");
  check_activation(args, "act_layer");
  refuse_flags(top, {"use_swiglu_ffn", "use_rotary", "use_rope"});
  refuse_flags(args, {"use_rotary", "use_rope", "qk_norm", "rope"});
  config.heads = last_of(top.whole("num_attention_heads", 1, 1024), top.whole("num_heads", 1, 1024),
                         args.whole("num_heads", 1, 1024));
  config.depth = last_of(top.whole("num_hidden_layers", 1, 10000), args.whole("depth", 1, 10000));
  config.image_size = top.size("image_size");
  if (const auto size = args.size("img_size")) config.image_size = size;
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
  const json value = parse_json(text, name);
  const Keys top(value, name, "");
  Preprocessing& p = config.preprocessing;
  top.colours("image_mean", -1000, p.mean);
  top.colours("image_std", 1e-6F, p.std);
  if (const auto resample = top.whole("resample", 0, 5)) {
    if (*resample != 2 && *resample != 3) top.refuse("resample", "2 (bilinear) or 3 (bicubic)");
    p.interpolation = *resample == 2 ? Interpolation::bilinear : Interpolation::bicubic;
  }
  const json* size = top.find("size");
  if (size == nullptr) return;
  if (!size->is_object()) {
    config.input_size = top.size("size");
    p.squash = true;
    return;
  }
  const Keys sides = top.object("size");
  if (const auto edge = sides.whole("shortest_edge", 1, kLargestSide)) {
    // The short side goes to `edge`, then the crop is taken from the centre.
    const Keys crop = top.object("crop_size");
    const int height = crop.whole("height", 1, *edge).value_or(*edge);
    config.input_size = {height, crop.whole("width", 1, *edge).value_or(height)};
    p.crop_pct = static_cast<double>(height) / *edge;
    p.squash = false;
  } else {
    const auto height = sides.whole("height", 1, kLargestSide);
    const auto width = sides.whole("width", 1, kLargestSide);
    if (!height || !width) top.refuse("size", "shortest_edge, or height and width");
    config.input_size = {*height, *width};
    p.squash = true;
  }
}

Config read_config(const std::filesystem::path& folder) {
  Config config;
  const std::filesystem::path main = folder / "config.json";
  if (std::filesystem::exists(main)) config = parse_config(read_text(main), main.string());
  const std::filesystem::path preprocessor = folder / "preprocessor_config.json";
  if (std::filesystem::exists(preprocessor)) {
    parse_preprocessor_config(read_text(preprocessor), preprocessor.string(), config);
  }
  return config;
}

}  // namespace fovea
