// VideoMAE: transformers' names, and its own, which are timm's.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

// The rest of its names are ViT's.
constexpr Rule kRules[] = {
    {"videomae", "encoder.layer.{i}.attention.attention.q_bias", "blocks.{i}.attns.0.attn.q.bias"},
    {"videomae", "encoder.layer.{i}.attention.attention.v_bias", "blocks.{i}.attns.0.attn.v.bias"},
};

constexpr std::string_view kTypes[] = {"videomae"};

constexpr std::string_view kMarks[] = {"videomae.", "attention.attention.q_bias"};

constexpr std::string_view kWrappers[] = {"videomae."};

constexpr Kind kHarmless[] = {{"encoder_to_decoder.", "a decoder of masked pre-training"}};

// transformers gives fc_norm no eps, so that it is PyTorch's whatever the config says.
Traits traits(const Config& config) {
  return {.eps = 1e-12,
          .heads = config.model_type.empty() ? 0 : 12,
          .medium = Medium::video,
          .sinusoids = true,
          .fc_norm_eps = 1e-5,
          .norms_tell_pooling = true};
}

Traits traits_of_original(const Config& /*config*/) {
  return {.eps = 1e-6, .medium = Medium::video, .sinusoids = true, .norms_tell_pooling = true};
}

// No other models of timm's names embed tubes, but MAE-ST, which goes before.
bool owns(const Traces& traces) { return traces.has_tubes(); }

}  // namespace

extern const Family kVideoMae = {
    "transformers' VideoMAE", kTypes, kMarks, kRules, kWrappers, kHarmless, traits};

extern const Family kVideoMaeOriginal = {"VideoMAE",         {},         {},  {}, {}, {},
                                         traits_of_original, "videomae", owns};

}  // namespace fovea
