// The dialects in which checkpoints name their tensors, and the way from and to canonical names.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace fovea {

// A group of spellings that come together in a file.
enum class Dialect {
  timm,
  timm_scale,  // ls1.gamma
  timm_parallel,
  deit,    // gamma_1, attn1
  dinov2,  // register_tokens
  torchvision,
  torchvision_numbered,  // mlp.0
  torchvision_linear,    // mlp.linear_1, in older files
  swag,
  transformers,
  transformers_vit,
  transformers_dinov2,
  transformers_head,
  transformers_deit  // cls_classifier
};

// A file's name in canonical spelling, the dialect that spells it so, and what stood before it
// ("module.", "vit.").
struct Canonical {
  std::string name;
  Dialect dialect = Dialect::timm;
  std::string wrapper;
};

// Nothing for names that are not part of a model.
std::optional<Canonical> canonical_name(std::string_view file_name);

// How a dialect spells a canonical name; nothing where it has no spelling for it.
std::optional<std::string> dialect_name(std::string_view canonical, Dialect dialect);

// How timm spells a canonical name in a model with so many parallel branches a layer; the canonical
// name itself where timm has no such tensor.
std::string timm_name(std::string_view canonical, int branches);

// Learns from the names that a file has how it would spell those that it lacks.
class Speller {
 public:
  void learn(const Canonical& canonical) { ++habits_[{canonical.dialect, canonical.wrapper}]; }

  // The canonical name itself where nothing learnt can spell it.
  std::string spell(std::string_view canonical) const;

 private:
  std::map<std::pair<Dialect, std::string>, int> habits_;  // -> how often seen
};

// What a tensor that is no part of the model is, if it can be left out safely: "a decoder of masked
// pre-training".
std::optional<std::string> harmless_kind(std::string_view file_name);

// What a tensor belongs to that we do not compute, if it is known: "SwiGLU".
std::optional<std::string> unsupported_kind(std::string_view file_name);

}  // namespace fovea
