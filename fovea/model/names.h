// The dialects in which checkpoints name their tensors, and the way from and to canonical names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fovea {

enum class Dialect { timm, timm_parallel, torchvision, swag, transformers };

// A file's name in canonical spelling, and the dialect that spells it so; nothing for names that
// are not part of a model.
struct Canonical {
  std::string name;
  Dialect dialect = Dialect::timm;
};
std::optional<Canonical> canonical_name(std::string_view file_name);

// How a dialect spells a canonical name; the name itself where it has no spelling of its own.
std::string dialect_name(std::string_view canonical, Dialect dialect);

// What a tensor that is no part of the model is, if it can be left out safely: "MAE's decoder".
std::optional<std::string> harmless_kind(std::string_view file_name);

// What a tensor belongs to that we do not compute, if it is known: "SwiGLU".
std::optional<std::string> unsupported_kind(std::string_view file_name);

}  // namespace fovea
