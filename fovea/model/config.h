// What config.json says about a model, in one plain struct for all styles (timm, transformers).
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fovea/api.h"

namespace fovea {

enum class Interpolation { bilinear, bicubic };

// How a picture becomes the model's input.
struct Preprocessing {
  int height = 224;  // of the input, in pixels
  int width = 224;
  std::array<float, 3> mean = {0.485F, 0.456F, 0.406F};
  std::array<float, 3> std = {0.229F, 0.224F, 0.225F};
  Interpolation interpolation = Interpolation::bicubic;
  double crop_pct = 0.9;
  // Resize straight to floor(height / crop_pct) x floor(width / crop_pct), aspect not kept.
  bool squash = false;
};

enum class Pooling { token, average };

// What the logits of a head mean: one class a picture (softmax), any number of them (sigmoids), or
// no classes but values.
enum class ProblemType { single_label, multi_label, regression };

// Everything that shapes of tensors cannot tell. Missing keys stay empty; the architecture fills in
// defaults.
struct Config {
  std::string architecture;  // timm's name, or transformers' model_type; may be empty
  std::optional<int> heads;  // num_heads | num_attention_heads
  std::optional<int> depth;  // num_hidden_layers | depth; only to be checked against the tensors
  std::optional<std::array<int, 2>>
      image_size;  // of the position grid: image_size | model_args.img_size, (h, w) in pixels
  std::optional<std::array<int, 2>>
      patch_size;  // patch_size | model_args.patch_size, (h, w); shapes tell all but conv stems'
  std::optional<std::array<int, 2>> input_size;  // pretrained_cfg.input_size, (h, w)
  std::optional<Pooling> pooling;                // global_pool
  double layer_norm_eps = 1e-6;
  // Of big.LITTLE ViTs (model_args).
  std::optional<int> little_heads;  // little_num_heads
  std::optional<int> first_big;
  std::optional<int> little_every;
  std::vector<int> predict_after;  // layers, counted from 1, ascending; empty where there are none
  bool learned_routing = true;
  bool cross_attention = true;
  double keep_ratio = 0.25;
  bool position_embedding = true;   // model_args.pos_embed: a model without one must say so
  bool final_norm = true;           // model_args.final_norm: likewise
  std::vector<std::string> labels;  // id2label | label_names; empty if not given
  std::map<std::string, std::string> label_descriptions;  // of labels, for people
  ProblemType problem_type = ProblemType::single_label;
  Preprocessing preprocessing;
};

// Parses the text of a config.json. `name` stands in messages. Throws Error that names the file and
// the key for wrong types and values, and refuses by name what we don't compute: activations other
// than the erf GELU, SwiGLU, rotary positions, other pooling, other interpolation.
FOVEA_API Config parse_config(const std::string& text, const std::string& name);

// Overlays what transformers' preprocessor_config.json says on `config.preprocessing`.
FOVEA_API void parse_preprocessor_config(const std::string& text, const std::string& name,
                                         Config& config);

// Reads config.json (and preprocessor_config.json, if there) beside a model; defaults where there
// is none.
FOVEA_API Config read_config(const std::filesystem::path& folder);

}  // namespace fovea
