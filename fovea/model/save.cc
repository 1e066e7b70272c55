#include "fovea/model/save.h"

#include <nlohmann/json.hpp>
#include <system_error>

#include "fovea/io/error.h"
#include "fovea/io/file.h"
#include "fovea/io/safetensors.h"
#include "fovea/model/names.h"

namespace fovea {
namespace {

using nlohmann::ordered_json;

bool is_set(const std::array<int, 2>& size) { return size[0] > 0; }

ordered_json arguments_of(const Architecture& a) {
  ordered_json args;
  args["num_heads"] = a.heads;
  if (is_set(a.image_size)) args["img_size"] = a.image_size;
  if (a.stem == Stem::conv) args["patch_size"] = a.patch[0];
  if (a.position_rows == 0) args["pos_embed"] = "none";
  if (!a.final_norm) args["final_norm"] = false;
  if (a.routing) {
    args["little_num_heads"] = a.routing->little_heads;
    args["first_big"] = a.routing->first_big;
    args["little_every"] = a.routing->little_every;
    args["predict_after"] = a.routing->predict_after;
    args["keep_ratio"] = a.routing->keep_ratio;
  }
  return args;
}

ordered_json preprocessing_of(const Architecture& a, const Preprocessing& p) {
  ordered_json cfg;
  if (is_set(a.input_size)) cfg["input_size"] = {3, a.input_size[0], a.input_size[1]};
  cfg["mean"] = p.mean;
  cfg["std"] = p.std;
  cfg["interpolation"] = p.interpolation == Interpolation::bicubic ? "bicubic" : "bilinear";
  cfg["crop_pct"] = p.crop_pct;
  cfg["crop_mode"] = p.squash ? "squash" : "center";
  return cfg;
}

}  // namespace

std::string config_text(const Architecture& architecture, const Config& config) {
  ordered_json top;
  top["architecture"] = architecture.name;
  top["num_classes"] = architecture.classes;
  top["global_pool"] = architecture.pooling == Pooling::token ? "token" : "avg";
  top["layer_norm_eps"] = architecture.eps;
  top["model_args"] = arguments_of(architecture);
  top["pretrained_cfg"] = preprocessing_of(architecture, config.preprocessing);
  if (!config.labels.empty()) top["label_names"] = config.labels;
  return top.dump(1) + "\n";
}

void save_model(const std::filesystem::path& folder, const Architecture& architecture,
                const Config& config, const std::vector<Weight>& weights) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail("{}: cannot be made: {}", folder.string(), error.message());
  std::vector<TensorToWrite> tensors;
  for (const Weight& weight : weights) {
    tensors.push_back(to_write(timm_name(weight.name, architecture.branches), weight.values));
  }
  write_safetensors(folder / "model.safetensors", tensors);
  write_atomically(folder / "config.json",
                   [&](std::ostream& out) { out << config_text(architecture, config); });
}

}  // namespace fovea
