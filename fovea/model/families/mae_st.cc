// MAE of videos (facebookresearch/mae_st): timm's names, queries, keys and values apart, positions
// of frames and of places in a frame.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr Rule kRules[] = {
    {"mae_st", "pos_embed_spatial", "pos_embed_spatial"},
    {"mae_st", "pos_embed_temporal", "pos_embed_temporal"},
    {"mae_st", "pos_embed_class", "pos_embed_class"},
};

constexpr std::string_view kMarks[] = {"pos_embed_spatial", "pos_embed_temporal"};

Traits traits(const Config& /*config*/) {
  return {
      .pooling = Pooling::average, .medium = Medium::video, .late_norm = true, .drops_first = true};
}

// VideoMAE has them in one; so has what is written here, which says what it is.
bool owns(const Traces& traces) {
  return traces.has_tubes() &&
         (traces.queries_apart || traces.architecture.starts_with(kMaeSt.architecture));
}

}  // namespace

extern const Family kMaeSt = {"MAE-ST", {}, kMarks, kRules, {}, {}, traits, "mae_st", owns};

}  // namespace fovea
