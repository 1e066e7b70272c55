// Writing a stored model anew: as its own library has it, or under timm's names.
#pragma once

#include <filesystem>
#include <optional>

#include "fovea/model/save.h"
#include "fovea/model/stored.h"

namespace fovea {

// Writes every tensor of the model's file into `folder` (see write_model), also those that the
// model does without, with its name there (less the prefix that was taken off, and whatever dict it
// lay in), its shape, and its number format or `storage`, which leaves whole numbers as they are.
// The configs that lie beside it are copied, and say `heads`, where that is not 0; where there is
// no config.json one is written that says what is known. One tensor at a time is in memory. Throws
// Error as write_model does, and for a tensor that no model is read from, such as F64, unless
// `storage` mends it.
void copy_model(const std::filesystem::path& folder, const StoredModel& model, int heads,
                std::optional<Storage> storage);

// Writes the model alone, under timm's names, in each tensor's format or `storage`, with a
// config.json; every `branches` layers side by side where that is above 1. Throws Error as
// write_model does, and for what timm's names can't say, or layers that can't be shared out.
void copy_as_timm(const std::filesystem::path& folder, const StoredModel& model, int branches,
                  std::optional<Storage> storage);

// The same of a model that no file has, with random weights.
void write_random(const std::filesystem::path& folder, const Architecture& architecture,
                  int branches, std::optional<Storage> storage);

}  // namespace fovea
