// What config.json says about a model, in one plain struct for all styles (timm, transformers).
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fovea/api.h"
#include "fovea/backend/grid.h"
#include "fovea/backend/kinds.h"

namespace fovea {

enum class Interpolation { bilinear, bicubic };

// How a picture is brought to the input's size; where it becomes larger its centre is kept.
enum class Fit {
  cover,       // its aspect kept, until it just covers the input's sides over crop_pct
  short_side,  // its aspect kept, the short side to the input's longer one over crop_pct
  squash,      // straight to the input's sides over crop_pct, its aspect not kept
  crop,        // not at all; where it is smaller than the input there is black around it
  exact,       // not at all: it must have the input's size
  corner       // its aspect kept, the long side to that of the input, a square, whose upper left
               // corner it fills; zeros below and right of it, when all is normalised
};

// How a picture becomes the model's input.
struct Preprocessing {
  int height = 224;  // of the input, in pixels
  int width = 224;
  std::array<float, 3> mean = {0.485F, 0.456F, 0.406F};
  std::array<float, 3> std = {0.229F, 0.224F, 0.225F};
  Interpolation interpolation = Interpolation::bicubic;
  double crop_pct = 0.9;
  Fit fit = Fit::cover;
  // Half of an odd margin around the centre is rounded down, as transformers does it; else to even,
  // as torchvision and timm do.
  bool crop_down = false;
  float full_scale = 255;  // what values from 0 to 255 are divided by before the mean is subtracted
  bool assumed = true;     // no config says any of this
};

// How sound becomes the model's input: log mel filter banks as Kaldi computes them, 10 ms from
// frame to frame. The numbers are those of AST and AudioMAE on AudioSet.
struct SoundPreprocessing {
  int frames = 1024;  // of the input; shorter sounds are padded with zeros before normalising
  int filters = 128;
  int rate = 16'000;  // samples a second, which sounds are brought to first
  float mean = -4.2677393F;
  float std = 4.5689974F;  // values become (x - mean) / (2 std)
  bool assumed = true;     // no config says any of this
};

// What Segment Anything's own files are used with, and don't say; sides are still to be set.
FOVEA_API Preprocessing sam_preprocessing();

// A side of the input over crop_pct, in pixels, rounded down.
FOVEA_API int resized_side(int side, double crop_pct);

// What the features are: the class token, the mean of the patches, what a learned token gathers
// from them by attention, or the mean of all prefix tokens.
enum class Pooling { token, average, map, prefix };

// How a table of positions is resampled for other grids.
enum class Resampling {
  antialiased,  // bicubic, a = -0.5, as timm does it
  plain         // bicubic, a = -0.75, not antialiased, as transformers does it
};

// As timm's global_pool and act_layer have it: "avg", "gelu_tanh".
FOVEA_API const char* to_string(Pooling pooling);
FOVEA_API const char* to_string(Activation activation);

// What the logits of a head mean: one class a picture (softmax), any number of them (sigmoids), or
// no classes but values.
enum class ProblemType { single_label, multi_label, regression };

// How the likeness of a picture and a text becomes a logit (CLIP, SigLIP), as the model's file
// says.
struct TextScale {
  double scale = 100;
  double bias = 0;
  bool sigmoid = false;  // each text stands for itself, as in SigLIP; else softmax over all
  bool assumed = true;   // the file does not say it
};

// What transformers' config says of Segment Anything's prompt encoder and mask decoder.
struct SegmentConfig {
  std::optional<int> heads;  // of the decoder
  // Only to be checked against the tensors.
  std::optional<int> width, depth, mlp_width, masks, iou_width, prompt_channels;
  double eps = 1e-6;         // of its layers' norms
  double prompt_eps = 1e-6;  // of the prompt encoder's
  Grid image_size;           // of the input, in pixels
  Grid cells;                // of its embedding
};

// Everything that shapes of tensors cannot tell. Missing keys stay empty; the architecture fills in
// defaults.
struct Config {
  // timm's name, or transformers' model_type (of the image tower); may be empty.
  std::string architecture;
  std::string model_type;     // transformers' alone
  bool is_open_clip = false;  // an open_clip_config.json
  std::optional<int> heads;   // num_heads | num_attention_heads
  std::optional<int> depth;   // num_hidden_layers | depth; only to be checked against the tensors
  std::optional<Grid> image_size;  // of the position grid: image_size | model_args.img_size, (h, w)
                                   // in pixels, or (max_length, num_mel_bins)
  std::optional<Grid>
      patch_size;  // patch_size | model_args.patch_size, (h, w); shapes tell all but conv stems'
  std::optional<Grid> input_size;  // pretrained_cfg.input_size, (h, w)
  // Of videos and of sound.
  std::optional<int> frames;         // num_frames
  std::optional<int> tube;           // tubelet_size | t_patch_size: frames of a patch
  std::optional<Grid> stride;        // stride | frequency_stride, time_stride; from patch to patch
  std::optional<int> frame_stride;   // from one frame of a clip to the next
  std::optional<bool> mean_pooling;  // use_mean_pooling
  std::optional<Pooling> pooling;    // global_pool
  std::optional<int> head_width;     // vision_cfg.head_width: width / heads
  std::optional<double> layer_norm_eps;
  std::optional<double> fc_norm_eps;     // model_args.fc_norm_eps, where it is another
  std::optional<Activation> activation;  // hidden_act | act_layer | quick_gelu
  std::optional<bool> gated_mlp;         // use_swiglu_ffn | use_gated_mlp; only to be checked
  std::optional<bool> post_norm;         // use_post_norm; not told by the tensors
  std::optional<bool> qk_norm;           // as gated_mlp, and those that follow
  std::optional<int> width;              // hidden_size | embed_dim
  std::optional<int> mlp_width;          // intermediate_size
  std::optional<int> registers;          // num_register_tokens | reg_tokens | num_reg_tokens
  std::optional<int> channels;           // num_channels | in_chans, of pictures
  std::optional<bool> qkv_bias;          // qkv_bias | qv_bias: of queries, keys or values
  std::optional<double> rope_theta;
  bool plain_resampling = false;     // model_args.pos_resampling is "plain": transformers' way
  std::optional<int> pool_heads;     // attn_pool_num_heads
  std::optional<bool> pools_prefix;  // pool_include_prefix
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
  std::optional<SegmentConfig> segment;  // of models of that kind
  Preprocessing preprocessing;
  SoundPreprocessing sound;
  TextScale text_scale;
};

// Parses the text of a config.json. `name` stands in messages. Throws Error that names the file and
// the key for wrong types and values, and refuses by name what we don't compute: other activations,
// pooling, norms, interpolation.
FOVEA_API Config parse_config(const std::string& text, const std::string& name);

// Overlays what transformers' preprocessor_config.json says on `config.preprocessing`; what it does
// not say is as in the class of processors that it, or config.architecture, names. Throws Error
// that names the file and the key, also for what would change the input and is not supported.
FOVEA_API void parse_preprocessor_config(const std::string& text, const std::string& name,
                                         Config& config);

// The same of an open_clip_config.json.
FOVEA_API Config parse_open_clip_config(const std::string& text, const std::string& name);

// What the files are called that say of a model what its tensors can't.
inline constexpr const char* kConfigNames[] = {"config.json", "preprocessor_config.json",
                                               "video_preprocessor_config.json",
                                               "open_clip_config.json"};

// Reads config.json (or open_clip_config.json, and preprocessor_config.json or else
// video_preprocessor_config.json, if there) beside a model; defaults where there is none.
FOVEA_API Config read_config(const std::filesystem::path& folder);

}  // namespace fovea
