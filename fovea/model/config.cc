// config.json, style by style.
#include "fovea/model/config.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "fovea/io/file.h"
#include "fovea/io/json.h"
#include "fovea/model/config_keys.h"
#include "fovea/model/families/family.h"
#include "fovea/model/preprocessing.h"

namespace fovea {
namespace {

using nlohmann::json;
using Keys = ConfigKeys;

constexpr int kMostLayers = 10000;

template <class Value>
using Names = std::pair<std::string_view, Value>;

// What an activation is called in configs of timm and transformers, timm's name first.
constexpr Names<Activation> kActivations[] = {{"gelu", Activation::gelu},
                                              {"gelu_tanh", Activation::gelu_tanh},
                                              {"gelu_pytorch_tanh", Activation::gelu_tanh},
                                              {"gelu_new", Activation::gelu_tanh},
                                              {"quick_gelu", Activation::quick_gelu},
                                              {"silu", Activation::silu},
                                              {"swish", Activation::silu},
                                              {"relu", Activation::relu}};
constexpr Names<Pooling> kPoolings[] = {{"token", Pooling::token},
                                        {"avg", Pooling::average},
                                        {"map", Pooling::map},
                                        {"prefix", Pooling::prefix}};

template <class Value, size_t kCount>
std::optional<Value> named(const Names<Value> (&all)[kCount], std::string_view text) {
  for (const auto& [name, value] : all) {
    if (name == text) return value;
  }
  return std::nullopt;
}

// The first name of a value.
template <class Value, size_t kCount>
const char* name_of(const Names<Value> (&all)[kCount], Value value) {
  for (const auto& [name, each] : all) {
    if (each == value) return name.data();
  }
  return "none";
}

void read_activation(const Keys& keys, const std::string& key, Config& config) {
  const auto name = keys.text(key);
  if (!name) return;
  config.activation = named(kActivations, *name);
  if (!config.activation)
    keys.refuse(key, "gelu, gelu_tanh, gelu_pytorch_tanh, gelu_new, quick_gelu, silu or relu");
}

void read_pooling(const Keys& keys, Config& config) {
  const auto pool = keys.text("global_pool");
  if (!pool || pool->empty()) return;
  config.pooling = named(kPoolings, *pool);
  if (!config.pooling) keys.refuse("global_pool", "token, avg, map or prefix");
}

void check_architecture(const Keys& keys, const Config& config) {
  const std::string_view part = kTimm.traits(config).unsupported;
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
  read_activation(args, "act_layer", config);
  if (const auto norm = args.text("norm_layer"); norm && *norm != "layernorm" && *norm != "rmsnorm")
    args.refuse("norm_layer", "layernorm or rmsnorm; other norms are not supported");
  const std::string positions = args.text("pos_embed").value_or("learn");
  if (positions != "learn" && positions != "none" && !positions.empty())
    args.refuse("pos_embed", "learn or none");
  config.position_embedding = positions == "learn";
  for (const char* key : {"use_rotary", "use_rope", "rope", "use_rot_pos_emb"}) {
    if (args.flag(key) && !kTimm.traits(config).rotation)
      args.refuse(key, "false; which rotary positions these are is told by the architecture alone");
  }
  if (args.find("qk_norm") != nullptr) config.qk_norm = args.flag("qk_norm");
  if (args.find("use_post_norm") != nullptr) config.post_norm = args.flag("use_post_norm");
  config.final_norm = args.flag("final_norm", true);
  const std::string resampling = args.text("pos_resampling").value_or("antialiased");
  if (resampling != "antialiased" && resampling != "plain")
    args.refuse("pos_resampling", "antialiased or plain");
  config.plain_resampling = resampling == "plain";
  config.pool_heads = args.whole("attn_pool_num_heads", 1, 1024);
  if (args.find("pool_include_prefix") != nullptr)
    config.pools_prefix = args.flag("pool_include_prefix");
}

// The last of several ways to give a number that has a value.
template <class... Found>
std::optional<int> last_of(Found... found) {
  std::optional<int> last;
  ((last = found ? found : last), ...);
  return last;
}

// What shapes tell too.
void read_extents(const Keys& top, const Keys& args, Config& config) {
  constexpr int kMost = 1 << 20;
  config.width = last_of(top.whole("hidden_size", 1, kMost), args.whole("embed_dim", 1, kMost));
  config.mlp_width = top.whole("intermediate_size", 1, kMost);
  config.registers =
      last_of(top.whole("num_register_tokens", 0, kMost), args.whole("reg_tokens", 0, kMost),
              args.whole("num_reg_tokens", 0, kMost));
  config.channels = last_of(top.whole("num_channels", 1, kMost), args.whole("in_chans", 1, kMost));
  for (const char* key : {"qv_bias", "qkv_bias"}) {
    for (const Keys* keys : {&top, &args}) {
      if (keys->find(key) != nullptr) config.qkv_bias = keys->flag(key);
    }
  }
}

// Of models of videos and of sound.
void read_media(const Keys& top, const Keys& args, Config& config) {
  constexpr int kMost = 1 << 16;
  config.frames = last_of(top.whole("num_frames", 1, kMost), args.whole("num_frames", 1, kMost));
  config.tube = last_of(top.whole("tubelet_size", 1, kMost), top.whole("t_patch_size", 1, kMost),
                        args.whole("tubelet_size", 1, kMost), args.whole("t_patch_size", 1, kMost));
  for (const Keys* keys : {&top, &args}) {
    if (const auto stride = keys->size("stride")) config.stride = stride;
  }
  config.fc_norm_eps = args.number("fc_norm_eps", 0, 1);
  if (top.find("use_mean_pooling") != nullptr) config.mean_pooling = top.flag("use_mean_pooling");
  if (config.model_type != "audio-spectrogram-transformer") return;
  const auto whole = [&](const char* key, int otherwise) {
    return top.whole(key, 1, kMost).value_or(otherwise);
  };
  config.stride = Grid(whole("frequency_stride", 10), whole("time_stride", 10));
  config.image_size = Grid(whole("max_length", 1024), whole("num_mel_bins", 128));
}

// Segment Anything's two smaller parts, where nothing said means what transformers takes.
SegmentConfig read_segment(const Keys& prompts, const Keys& masks) {
  constexpr int kMost = 1 << 20;
  SegmentConfig segment;
  if (prompts.text("hidden_act").value_or("gelu") != "gelu") prompts.refuse("hidden_act", "gelu");
  segment.prompt_eps = prompts.number("layer_norm_eps", 0, 1).value_or(segment.prompt_eps);
  segment.prompt_channels = prompts.whole("mask_input_channels", 1, kMost);
  segment.image_size = prompts.size("image_size").value_or(Grid(1024, 1024));
  segment.cells = prompts.size("image_embedding_size").value_or(Grid(64, 64));
  if (masks.text("hidden_act").value_or("relu") != "relu") masks.refuse("hidden_act", "relu");
  if (masks.whole("iou_head_depth", 1, kMostLayers).value_or(3) != 3)
    masks.refuse("iou_head_depth", "3");
  segment.heads = masks.whole("num_attention_heads", 1, 1024).value_or(8);
  segment.eps = masks.number("layer_norm_eps", 0, 1).value_or(segment.eps);
  segment.width = masks.whole("hidden_size", 1, kMost);
  segment.depth = masks.whole("num_hidden_layers", 1, kMostLayers);
  segment.mlp_width = masks.whole("mlp_dim", 1, kMost);
  segment.iou_width = masks.whole("iou_head_hidden_dim", 1, kMost);
  if (const auto others = masks.whole("num_multimask_outputs", 1, 1024))
    segment.masks = *others + 1;
  return segment;
}

// Whether a file is there, or might be: reading it then says what is wrong.
bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) || error;
}

}  // namespace

const char* to_string(Pooling pooling) { return name_of(kPoolings, pooling); }
const char* to_string(Activation activation) { return name_of(kActivations, activation); }

Config parse_config(const std::string& text, const std::string& name) {
  const json value = parse_json_object(text, name);
  const Keys all(value, name, "");
  // CLIP and SigLIP keep those of the image tower apart.
  const Keys tower = all.object("vision_config");
  const Keys& top = tower.all().empty() ? all : tower;
  const Keys args = top.object("model_args");
  Config config;
  config.model_type = top.text("model_type").value_or(all.text("model_type").value_or(""));
  config.architecture = top.text("architecture").value_or(config.model_type);
  if (top.find("architecture") != nullptr) check_architecture(top, config);
  read_activation(top, "hidden_act", config);
  read_model_args(args, config);
  read_routing(args, config);
  config.heads = last_of(top.whole("num_attention_heads", 1, 1024), top.whole("num_heads", 1, 1024),
                         args.whole("num_heads", 1, 1024));
  config.depth =
      last_of(top.whole("num_hidden_layers", 1, kMostLayers), args.whole("depth", 1, kMostLayers));
  config.image_size = top.size("image_size");
  for (const Keys* keys : {&top, &args}) {
    if (const auto size = keys->size("img_size")) config.image_size = size;
  }
  config.patch_size = top.size("patch_size");
  if (const auto size = args.size("patch_size")) config.patch_size = size;
  config.layer_norm_eps = top.number("layer_norm_eps", 0, 1);
  if (top.find("use_swiglu_ffn") != nullptr) config.gated_mlp = top.flag("use_swiglu_ffn");
  if (top.find("use_gated_mlp") != nullptr) config.gated_mlp = top.flag("use_gated_mlp");
  read_extents(top, args, config);
  read_media(top, args, config);
  config.rope_theta = top.number("rope_theta", 1, 1e9);
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
  if (all.find("mask_decoder_config") != nullptr || all.text("model_type") == "sam") {
    config.segment =
        read_segment(all.object("prompt_encoder_config"), all.object("mask_decoder_config"));
  }
  return config;
}

Config parse_open_clip_config(const std::string& text, const std::string& name) {
  const json value = parse_json_object(text, name);
  const Keys top(value, name, "");
  const Keys model = top.object("model_cfg");
  const Keys vision = model.object("vision_cfg");
  Config config;
  config.is_open_clip = true;
  config.architecture = vision.text("timm_model_name").value_or("");
  if (config.architecture.empty()) {
    config.head_width = vision.whole("head_width", 1, 1024).value_or(64);
    config.depth = vision.whole("layers", 1, kMostLayers);
    config.width = vision.whole("width", 1, 1 << 20);
    config.activation = model.flag("quick_gelu") ? Activation::quick_gelu : Activation::gelu;
  }
  config.heads = vision.whole("num_heads", 1, 1024);  // what fovea convert puts there
  config.image_size = vision.size("image_size");
  config.input_size = config.image_size;
  config.patch_size = vision.size("patch_size");
  config.preprocessing.crop_pct = 1;
  const Keys pictures = top.object("preprocess_cfg");
  if (!pictures.all().empty()) config.preprocessing.assumed = false;
  read_timm_preprocessing(pictures, config);
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
  const std::filesystem::path open_clip = folder / "open_clip_config.json";
  if (!is_there(main) && is_there(open_clip))
    return parse_open_clip_config(read_text(open_clip), open_clip.string());
  for (const char* name : {"preprocessor_config.json", "video_preprocessor_config.json"}) {
    const std::filesystem::path preprocessor = folder / name;
    if (!is_there(preprocessor)) continue;
    parse_preprocessor_config(read_text(preprocessor), preprocessor.string(), config);
    break;
  }
  return config;
}

}  // namespace fovea
