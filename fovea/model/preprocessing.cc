#include "fovea/model/preprocessing.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "fovea/io/json.h"

namespace fovea {
namespace {

using nlohmann::json;
using Keys = ConfigKeys;

using Colours = std::array<float, 3>;
constexpr Colours kHalf = {0.5F, 0.5F, 0.5F};
constexpr Colours kImageNetMean = {0.485F, 0.456F, 0.406F};
constexpr Colours kImageNetStd = {0.229F, 0.224F, 0.225F};
constexpr Colours kClipMean = {0.48145466F, 0.4578275F, 0.40821073F};
constexpr Colours kClipStd = {0.26862954F, 0.26130258F, 0.27577711F};

// What transformers' classes of image processors do where their config is silent.
struct Processor {
  std::string_view name;  // without what stands behind: ImageProcessor, FeatureExtractor, ...
  Colours mean, std;
  Interpolation interpolation;
  bool square;  // one side means both; else the short one
  int edge;
  int crop;  // 0: none
};
constexpr std::string_view kSam = "Sam";  // it puts pictures in the input's corner
constexpr Processor kProcessors[] = {
    {"ViT", kHalf, kHalf, Interpolation::bilinear, true, 224, 0},
    {"DeiT", kHalf, kHalf, Interpolation::bicubic, true, 256, 224},
    {"Beit", kHalf, kHalf, Interpolation::bicubic, true, 224, 0},
    {"Bit", kClipMean, kClipStd, Interpolation::bicubic, false, 224, 224},
    {"CLIP", kClipMean, kClipStd, Interpolation::bicubic, false, 224, 224},
    {"Siglip", kHalf, kHalf, Interpolation::bicubic, false, 224, 0},
    {"DINOv3ViT", kImageNetMean, kImageNetStd, Interpolation::bilinear, true, 224, 0},
    {kSam, kImageNetMean, kImageNetStd, Interpolation::bilinear, true, 1024, 0},
    {"VideoMAE", kHalf, kHalf, Interpolation::bilinear, false, 224, 224},
};

// Which of them AutoImageProcessor takes for a model_type.
constexpr std::pair<std::string_view, std::string_view> kOfModelType[] = {
    {"vit", "ViT"},
    {"vit_mae", "ViT"},
    {"vit_msn", "ViT"},
    {"ijepa", "ViT"},
    {"deit", "DeiT"},
    {"beit", "Beit"},
    {"dinov2", "Bit"},
    {"clip", "CLIP"},
    {"dinov2_with_registers", "Bit"},
    {"siglip", "Siglip"},
    {"clip_vision_model", "CLIP"},
    {"dinov3_vit", "DINOv3ViT"},
    {"sam", kSam},
    {"sam_vision_model", kSam},
    {"videomae", "VideoMAE"}};

// Classes that compute something that their config doesn't say.
constexpr std::string_view kUnlike[] = {"Levit", "Perceiver", "ConvNext", "PoolFormer"};

std::string_view without(std::string_view text, std::string_view end) {
  return text.ends_with(end) ? text.substr(0, text.size() - end.size()) : text;
}

const Processor* find_processor(std::string_view name) {
  const auto* found = std::find_if(std::begin(kProcessors), std::end(kProcessors),
                                   [&](const Processor& known) { return known.name == name; });
  return found == std::end(kProcessors) ? nullptr : found;
}

// Null where neither the config nor the model's type names one that is known.
const Processor* processor_of(const Keys& top, const std::string& model_type) {
  for (const char* key :
       {"image_processor_type", "feature_extractor_type", "video_processor_type"}) {
    const std::optional<std::string> type = top.text(key);
    if (!type) continue;
    std::string_view name = *type;
    for (const char* end :
         {"Pil", "Fast", "ImageProcessor", "FeatureExtractor", "VideoProcessor"}) {
      name = without(name, end);
    }
    if (std::find(std::begin(kUnlike), std::end(kUnlike), name) != std::end(kUnlike)) {
      top.refuse(key, "an image processor that only resizes, crops and normalises");
    }
    return find_processor(name);
  }
  for (const auto& [type, name] : kOfModelType) {
    if (type == model_type) return find_processor(name);
  }
  return nullptr;
}

// Steps that change the input and are not taken here. All that a processor can do beside the usual
// is switched on by a key of this kind.
void refuse_other_steps(const Keys& top, const Processor* processor) {
  // do_convert_rgb: pictures are read as RGB. do_reduce_labels is of the labels of pixels.
  constexpr std::string_view kKnown[] = {"do_resize",    "do_center_crop", "do_rescale",
                                         "do_normalize", "do_convert_rgb", "do_reduce_labels"};
  constexpr std::string_view kOthers[] = {"offset", "rescale_offset", "include_top",
                                          "keep_aspect_ratio"};
  const bool pads = processor != nullptr && processor->name == kSam;
  for (const auto& [key, value] : top.all().items()) {
    const bool known = (pads && key == "do_pad") ||
                       std::find(std::begin(kKnown), std::end(kKnown), key) != std::end(kKnown);
    const bool other = std::find(std::begin(kOthers), std::end(kOthers), key) != std::end(kOthers);
    if (other || (key.starts_with("do_") && !known)) {
      if (top.flag(key)) top.refuse(key, "false; it is not supported");
    }
  }
  for (const char* key : {"crop_pct", "size_divisor", "max_pixels", "min_pixels"}) {
    if (top.find(key) != nullptr) top.refuse(key, "none; it is not supported");
  }
}

void read_values(const Keys& top, Preprocessing& p) {
  top.colours("image_mean", -1000, p.mean);
  top.colours("image_std", 1e-6F, p.std);
  if (!top.flag("do_normalize", true)) {
    p.mean = {0, 0, 0};
    p.std = {1, 1, 1};
  }
  const double factor = top.number("rescale_factor", 1e-6, 1e6).value_or(1.0 / 255);
  p.full_scale = static_cast<float>(top.flag("do_rescale", true) ? 1 / factor : 1.0);
}

void read_resample(const Keys& top, Preprocessing& p) {
  const auto resample = top.whole("resample", 0, 5);
  if (!resample) return;
  if (*resample != 2 && *resample != 3) top.refuse("resample", "2 (bilinear) or 3 (bicubic)");
  p.interpolation = *resample == 2 ? Interpolation::bilinear : Interpolation::bicubic;
}

// The share of `from` pixels that a crop of `crop` takes, such that crop / share, rounded down, is
// `from` again.
double share_of(int crop, int from) {
  double share = static_cast<double>(crop) / from;
  while (static_cast<int>(crop / share) < from) share = std::nextafter(share, 0.0);
  return share;
}

struct Resized {
  Grid size;
  bool short_side;  // both are the side that the short one gets
};

// The sides that an object names, and no others.
Resized named_size(const Keys& top) {
  const Keys sides = top.object("size");
  for (const auto& [key, value] : sides.all().items()) {
    const bool known = key == "shortest_edge" || key == "height" || key == "width";
    if (!known && !value.is_null()) sides.refuse(key, "shortest_edge alone, or height and width");
  }
  if (const auto edge = sides.whole("shortest_edge", 1, kLargestSide)) {
    return {{*edge, *edge}, true};
  }
  const auto height = sides.whole("height", 1, kLargestSide);
  const auto width = sides.whole("width", 1, kLargestSide);
  if (!height || !width) top.refuse("size", "shortest_edge, or height and width");
  return {{*height, *width}, false};
}

// None where nothing says.
std::optional<Resized> resized_size(const Keys& top, const Processor* processor) {
  const json* size = top.find("size");
  const bool square =
      top.flag("default_to_square", processor == nullptr ? true : processor->square);
  if (size == nullptr) {
    if (processor == nullptr) return std::nullopt;
    // Siglip's own size names both sides.
    const bool short_side = !processor->square && processor->crop > 0;
    return Resized{{processor->edge, processor->edge}, short_side};
  }
  if (size->is_object()) return named_size(top);
  return Resized{*top.size("size"), size->is_number() && !square};
}

// None where nothing is cropped.
std::optional<Grid> crop_size(const Keys& top, const Processor* processor) {
  const json* crop = top.find("crop_size");
  const bool usual = processor == nullptr ? crop != nullptr : processor->crop > 0;
  if (!top.flag("do_center_crop", usual)) return std::nullopt;
  if (crop == nullptr) {
    if (processor == nullptr || processor->crop == 0) top.miss("crop_size", "height and width");
    return Grid{processor->crop, processor->crop};
  }
  if (!crop->is_object()) return top.size("crop_size");
  const Keys sides = top.object("crop_size");
  const auto height = sides.whole("height", 1, kLargestSide);
  const auto width = sides.whole("width", 1, kLargestSide);
  if (!height || !width) top.refuse("crop_size", "height and width");
  return Grid{*height, *width};
}

[[noreturn]] void refuse_uncropped(const Keys& top) {
  constexpr const char* kExpected =
      "true, as size.shortest_edge alone gives every picture an input of another size";
  if (top.find("do_center_crop") != nullptr) top.refuse("do_center_crop", kExpected);
  top.miss("do_center_crop", kExpected);
}

// The centre of what was resized.
void read_crop(const Keys& top, const Resized& resized, const Grid& crop, Preprocessing& p) {
  const Grid& size = resized.size;
  // The crop may be the processor's usual one.
  const auto refuse = [&](const std::string& expected) {
    if (top.find("crop_size") == nullptr) top.miss("crop_size", expected);
    top.refuse("crop_size", expected);
  };
  if (crop.rows > size.rows || crop.columns > size.columns)
    refuse(fmt::format("at most {} x {}", size.rows, size.columns));
  p.crop_pct = resized.short_side ? share_of(std::max(crop.rows, crop.columns), size.rows)
                                  : share_of(crop.rows, size.rows);
  if (!resized.short_side && resized_side(crop.columns, p.crop_pct) != size.columns)
    refuse("the same share of height and width");
}

// SamImageProcessor: the long side is resized, and what is missing of the square is padded.
void read_corner(const Keys& top, const Processor& processor, Config& config) {
  for (const char* key : {"do_resize", "do_pad"}) {
    if (!top.flag(key, true)) top.refuse(key, "true: the picture fills the corner of a square");
  }
  const Keys sides = top.object("size");
  for (const auto& [key, value] : sides.all().items()) {
    if (key != "longest_edge" && !value.is_null()) sides.refuse(key, "longest_edge alone");
  }
  const int edge = sides.whole("longest_edge", 1, kLargestSide).value_or(processor.edge);
  const Keys padded = top.object("pad_size");
  for (const char* key : {"height", "width"}) {
    if (padded.whole(key, 1, kLargestSide).value_or(processor.edge) == edge) continue;
    const std::string expected = fmt::format("{}, as size.longest_edge", edge);
    if (padded.find(key) == nullptr) padded.miss(key, expected);
    padded.refuse(key, expected);
  }
  config.preprocessing.fit = Fit::corner;
  config.preprocessing.crop_pct = 1;
  config.input_size = Grid{edge, edge};
}

// The size that a picture gets, and the part of it that is kept.
void read_fit(const Keys& top, const Processor* processor, Config& config) {
  if (processor != nullptr && processor->name == kSam) return read_corner(top, *processor, config);
  Preprocessing& p = config.preprocessing;
  const std::optional<Grid> crop = crop_size(top, processor);
  p.crop_down = crop.has_value();
  if (!top.flag("do_resize", true)) {
    p.fit = crop ? Fit::crop : Fit::exact;
    if (crop) config.input_size = crop;
    return;
  }
  const std::optional<Resized> resized = resized_size(top, processor);
  if (!resized) {
    if (crop) top.miss("size", "shortest_edge, or height and width");
    return;
  }
  if (resized->short_side && !crop) refuse_uncropped(top);
  p.fit = resized->short_side ? Fit::short_side : Fit::squash;
  p.crop_pct = 1;
  if (crop) read_crop(top, *resized, *crop, p);
  config.input_size = crop ? *crop : resized->size;
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
  p.fit = *mode == "squash" ? Fit::squash : Fit::cover;
}

}  // namespace

void read_timm_preprocessing(const Keys& keys, Config& config) {
  Preprocessing& p = config.preprocessing;
  for (const char* key : {"mean", "std", "interpolation", "crop_pct", "crop_mode"}) {
    if (keys.find(key) != nullptr) p.assumed = false;
  }
  if (const auto size = keys.size("input_size")) config.input_size = size;
  if (const auto stride = keys.whole("frame_stride", 1, 1'000'000)) config.frame_stride = stride;
  keys.colours("mean", -1000, p.mean);
  keys.colours("std", 1e-6F, p.std);
  read_interpolation(keys, p);
  read_crop_mode(keys, p);
  if (const auto pct = keys.number("crop_pct", 0.05, 1)) p.crop_pct = *pct;
}

Preprocessing sam_preprocessing() {
  Preprocessing p;
  p.mean = {123.675F, 116.28F, 103.53F};
  p.std = {58.395F, 57.12F, 57.375F};
  p.interpolation = Interpolation::bilinear;
  p.crop_pct = 1;
  p.fit = Fit::corner;
  p.full_scale = 1;
  p.assumed = false;
  return p;
}

void parse_preprocessor_config(const std::string& text, const std::string& name, Config& config) {
  const json value = parse_json_object(text, name);
  const Keys top(value, name, "");
  Preprocessing& p = config.preprocessing;
  // timm's own, as transformers' TimmWrapperImageProcessor writes it.
  if (top.find("pretrained_cfg") != nullptr) {
    read_timm_preprocessing(top.object("pretrained_cfg"), config);
    return;
  }
  if (is_of_sound(top, config)) return read_sound_preprocessing(top, config);
  const Processor* processor = processor_of(top, config.architecture);
  refuse_other_steps(top, processor);
  if (processor != nullptr) {
    p.mean = processor->mean;
    p.std = processor->std;
    p.interpolation = processor->interpolation;
  }
  p.assumed = false;
  read_values(top, p);
  read_resample(top, p);
  read_fit(top, processor, config);
}

}  // namespace fovea
