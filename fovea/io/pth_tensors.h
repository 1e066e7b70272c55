// Tensors of torch's files: views of storages, checked before they are touched.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "fovea/io/pickle.h"
#include "fovea/io/pth.h"
#include "fovea/io/pth_globals.h"

namespace fovea {

// What a pickle's persistent id says of a storage.
struct StorageId {
  std::string key;
  StorageFormat format;
  int64_t elements;
  struct View {
    std::string key;
    int64_t offset, elements;
  };
  std::optional<View> view;  // of part of it, in the older format
};
// Throws Error where it is none.
StorageId storage_id(const Pickle& pickle, Pickle::Id stored, const std::string& name);

// The bytes of a storage, held to be as many as it says.
using ReadStorage = std::function<std::span<const std::byte>(const StorageId&)>;

// The tensors of a dict in a file of `file_bytes` bytes. Throws Error naming file and tensor.
PthFile read_tensors(const Pickle& pickle, Pickle::Id dict, const ReadStorage& read,
                     size_t file_bytes, const std::string& name);

}  // namespace fovea
