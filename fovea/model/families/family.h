// A family of models: how its files spell tensors, and what of its models no tensor tells.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fovea/backend/kinds.h"
#include "fovea/backend/rotation.h"
#include "fovea/io/array.h"
#include "fovea/model/architecture.h"
#include "fovea/model/config.h"

namespace fovea {

// How a name in a file stands for a canonical one: with the number of a layer, {i}, that of a
// branch, {j} or (from 1) {k}, and * at the end for any rest. `dialect`: spellings that come
// together in a file.
struct Rule {
  std::string_view dialect;
  std::string_view file;
  std::string_view canonical;
  bool is_transposed = false;  // rows are columns there
};

// What tensors are that are no part of a model, or of none that we compute, by part of their names.
struct Kind {
  std::string_view part;
  std::string_view what;
};

// What tells beside names whose a file is.
struct Traces {
  std::string_view model_type, architecture;  // of its config; empty where it says none
  Shape patch;                 // of the weight that embeds patches; empty where there is none
  bool queries_apart = false;  // from keys and values

  // Of frames of square patches.
  bool has_tubes() const { return patch.size() == 5 && patch[3] == patch[4]; }
};

// What no tensor tells; config.json goes before all of it.
struct Traits {
  double eps = 1e-6;                         // of norms
  Activation activation = Activation::gelu;  // of MLPs that are not gated
  int heads = 0;                             // 0: not told
  Resampling resampling = Resampling::antialiased;
  std::optional<Rotation> rotation = {};
  std::optional<Pooling> pooling = {};
  bool post_norm = false;     // norms stand behind attention and MLP
  bool class_token = false;   // all its models have one
  bool positions = false;     // and learned positions, also beside others
  bool resizes_bias = false;  // tables of relative positions serve other grids
  // Of attention pooling.
  int pool_heads = 0;  // 0: as many as the model's
  std::optional<Activation> pool_activation = {};
  bool pools_prefix = false;  // prefix tokens are asked too
  Medium medium = Medium::picture;
  Grid stride = {};              // from patch to patch; empty: a patch's own extents
  bool frequency_first = false;  // rows of patches are frequencies
  bool sinusoids = false;        // positions, where none are stored
  std::optional<double> fc_norm_eps = {};
  bool late_norm = false;  // the final norm stands behind pooling
  // VideoMAE's: the mean of all has fc_norm or none, and the first patch, which is pooled where the
  // final norm is there, takes the class token's place.
  bool norms_tell_pooling = false;
  bool drops_first = false;  // the mean leaves the first patch out where there is no class token
  std::string_view unsupported = {};  // what makes it a model that we do not compute
};

struct Family {
  std::string_view name;  // for people
  // model_type in transformers' config.json, or in vision_config there.
  std::span<const std::string_view> model_types;
  // Parts of tensors' names that only this family's files have.
  std::span<const std::string_view> marks;
  std::span<const Rule> rules;
  std::span<const std::string_view> wrappers;  // that stand before all names
  std::span<const Kind> harmless;              // by how the name begins
  Traits (*traits)(const Config& config);
  // As config.json's `architecture` has it, alone or before what tells models of a kind apart
  // ("mae_st", "mae_st_large_patch16_224").
  std::string_view architecture = {};
  bool (*owns)(const Traces& traces) = nullptr;  // where a file can only be this family's
};

// All, those first whose marks go before others'.
std::span<const Family* const> families();

extern const Family kTimm, kTorchvision, kSwag, kVit, kDinov2, kDinov3, kBeit, kClip, kSiglip,
    kOpenClip, kSam, kMaeSt, kVideoMae, kVideoMaeOriginal, kAst, kAudioMae;

}  // namespace fovea
