// transformers' Audio Spectrogram Transformer: patches that overlap, two prefix tokens; the rest of
// its names are ViT's.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr Rule kRules[] = {
    {"ast", "classifier.layernorm.*", "head_norm.*"},
    {"ast", "classifier.dense.*", "head.*"},
    {"ast_timm", "head_norm.*", "head_norm.*"},  // as it is written where it was trained here
};

constexpr std::string_view kTypes[] = {"audio-spectrogram-transformer"};

constexpr std::string_view kMarks[] = {"audio_spectrogram_transformer.", "classifier.dense."};

constexpr std::string_view kWrappers[] = {"audio_spectrogram_transformer."};

Traits traits(const Config& config) {
  return {.eps = 1e-12,
          .heads = config.model_type.empty() ? 0 : 12,
          .pooling = Pooling::prefix,
          .medium = Medium::sound,
          .stride = {10, 10},
          .frequency_first = true};
}

}  // namespace

extern const Family kAst = {"transformers' AST", kTypes, kMarks, kRules,
                            kWrappers,           {},     traits, "ast"};

}  // namespace fovea
