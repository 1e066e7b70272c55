// The way from the names in checkpoints to canonical ones and back, by the rules of all families.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "fovea/model/families/family.h"

namespace fovea {

// A file's name in canonical spelling, the rule that says so, whose it is, and what stood before it
// ("module.", "vit.").
struct Canonical {
  std::string name;
  const Rule* rule = nullptr;
  const Family* family = nullptr;
  std::string wrapper;
};

// Nothing for names that are not part of a model.
std::optional<Canonical> canonical_name(std::string_view file_name);

// How a dialect spells a canonical name; nothing where it has no spelling for it.
std::optional<std::string> dialect_name(std::string_view canonical, std::string_view dialect);

// How timm spells a canonical name in a model with so many parallel branches a layer; the canonical
// name itself where timm has no such tensor.
std::string timm_name(std::string_view canonical, int branches);

// Learns from the names that a file has how it would spell those that it lacks.
class Speller {
 public:
  void learn(const Canonical& canonical);

  // The canonical name itself where nothing learnt can spell it.
  std::string spell(std::string_view canonical) const;

 private:
  std::map<std::pair<std::string_view, std::string>, int> habits_;  // -> how often seen
};

// What a tensor that is no part of the model is, if it can be left out safely: "a decoder of masked
// pre-training".
std::optional<std::string> harmless_kind(std::string_view file_name);

// The family whose files have such names, and such a model_type in their config (or none): by that,
// else by names, or a patch's weight, that only one has, else by the config's architecture, else by
// whose rules most names follow; timm's where none is.
const Family& family_of(std::span<const std::string> file_names, const Traces& traces);

}  // namespace fovea
