// What a training run does, as `fovea train` reads it from a recipe.json or from its options.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

#include "fovea/tokens/options.h"

namespace fovea {

// Whether to multiply in bf16: where the processor does, or in any case.
enum class Amp { automatic, on, off };
// "auto", true or false, as a recipe.json has it.
void to_json(nlohmann::ordered_json& value, Amp amp);

// Names are timm's where timm has one. Every member is a key of recipe.json and an option of the
// command line.
struct Recipe {
  // The model: a checkpoint to start from, or else what to make.
  std::string model = {};
  int num_heads = 0;
  std::string key = {};
  int width = 192;
  int depth = 12;
  int heads = 3;
  double mlp_ratio = 4;
  int branches = 1;
  int img_size = 0;
  int patch_size = 16;
  std::string stem = "linear";
  std::vector<int> stem_widths = {};
  bool class_token = true;
  bool distillation_token = false;
  std::string global_pool = "token";
  double layer_scale = 0;
  double drop_path = 0;
  std::string tune = "all";

  // A new model of videos or of sound.
  std::string medium = "picture";
  int num_frames = 0;
  int tubelet_size = 2;
  int mel_bins = 128;
  int stride = 0;
  int sample_rate = 16'000;
  double sound_mean = 0;
  double sound_std = 0;

  // A new Segment Anything.
  int window = 8;
  int global_every = 4;
  int neck = 256;

  // A big.LITTLE ViT of it.
  bool big_little = false;
  double keep_ratio = 0;
  std::vector<int> predict_after = {};
  int little_width = 0;
  int little_heads = 0;
  int little_every = 1;
  bool learned_routing = true;
  bool cross_attention = true;

  // The pictures, videos or sound.
  std::string data = {};
  std::string train_split = "train";
  std::string val_split = "val";
  std::array<double, 3> mean = {0.485, 0.456, 0.406};
  std::array<double, 3> std = {0.229, 0.224, 0.225};
  std::string interpolation = "bicubic";
  double crop_pct = 0.9;
  std::string crop = "resized";
  std::array<double, 2> scale = {0.08, 1};
  std::array<double, 2> ratio = {0.75, 4.0 / 3};
  int padding = 4;
  double hflip = 0.5;
  int rand_augment = 0;
  double rand_augment_magnitude = 9;
  double reprob = 0;
  int frame_stride = 0;
  double gain = 0;
  int shift = 0;
  int time_mask = 0;
  int freq_mask = 0;
  double mixup = 0;
  double cutmix = 0;
  double mixup_prob = 1;
  double mixup_switch_prob = 0.5;
  double smoothing = 0.1;

  // The steps.
  double epochs = 100;
  int batch_size = 128;
  double lr = 1e-3;
  double min_lr = 1e-5;
  double warmup_epochs = 5;
  double weight_decay = 0.05;
  std::array<double, 2> betas = {0.9, 0.999};
  double layer_decay = 1;
  double clip_grad = 0;
  double model_ema = 0;
  Amp amp = Amp::automatic;

  // Merging: a number of tokens, or what a --merge-config file holds, as JSON.
  std::string merge = {};
  std::string eval_merge = {};

  // What is learnt: the classes, MAE's painting of masked patches, or Segment Anything's masks.
  std::string objective = "classes";
  double mask_ratio = 0.75;
  int decoder_width = 512;
  int decoder_depth = 8;
  int decoder_heads = 16;
  bool norm_pix_loss = true;
  int masks_per_image = 8;
  int corrections = 3;
  double grouping = 0;
  int grouping_masks = 32;
  int least_area = 100;

  // The teacher.
  std::string teacher = {};
  std::string distillation = "none";
  double distillation_alpha = 0.5;
  double distillation_tau = 3;
  double feature_weight = 2.5;

  // The run.
  std::string output = {};
  bool delta = false;
  int seed = 0;
  int workers = 1;
  std::string device = "cpu";
  double val_every = 1;
  double checkpoint_minutes = 10;
  int log_every = 50;
};

// One key: where it is kept, what its help shows, and what is possible.
struct RecipeField {
  using Slot = std::variant<int*, double*, bool*, Amp*, std::string*, std::array<double, 2>*,
                            std::array<double, 3>*, std::vector<int>*>;
  const char* name;
  Slot slot;
  const char* help;
  double least = std::numeric_limits<double>::lowest();
  double most = std::numeric_limits<double>::max();
  std::vector<std::string> choices = {};
};

// The model that training starts from; empty where it makes a new one.
std::string start_of(const Recipe& recipe);

// Of a clip or a spectrogram that a new model takes: num_frames, else 16 or 1024.
int frames_of(const Recipe& recipe);

// Whether it pre-trains without labels.
inline bool is_mae(const Recipe& recipe) { return recipe.objective == "mae"; }
// Whether it trains Segment Anything.
inline bool is_segment(const Recipe& recipe) { return recipe.objective == "segment"; }

// All keys, in the order of the help. The slots point into `recipe`.
std::vector<RecipeField> recipe_fields(Recipe& recipe);

// Sets keys from the text of a recipe.json. `name` stands in messages. Throws Error naming the key
// that is unknown, of another type, or out of bounds.
void read_recipe(const std::string& text, const std::string& name, Recipe& recipe);

// Sets one key from what is typed on a command line. Throws Error naming --key.
void set_typed(const RecipeField& field, const std::string& text);

// All keys, such that read_recipe gives them back.
std::string recipe_text(const Recipe& recipe);

// Throws Error naming the keys that don't go together, or one that must be given and is not.
void check_recipe(const Recipe& recipe);

// How tokens merge in training, where sizes don't count in attention unless asked for (the paper,
// section 4.1), and while evaluating. Throw Error naming the key.
MergeOptions training_merge(const Recipe& recipe);
MergeOptions evaluation_merge(const Recipe& recipe);

}  // namespace fovea
