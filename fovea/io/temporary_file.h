// Files that are made beside their place and take it when they are whole, or go without a trace.
#pragma once

#include <filesystem>

#include "fovea/io/descriptor.h"

namespace fovea {

// A name in a folder that nothing has.
std::filesystem::path temporary_name(const std::filesystem::path& folder);

// A new empty file in a folder, with the usual permissions, that is gone with the scope unless it
// took a place. It has no name where the file system can do that, so that not even a killed process
// leaves it behind; else, and for the moment in which it replaces another file, it is called
// .fovea-*.tmp, and is locked for as long as its process lives. The first one that a process makes
// in a folder removes those there that nobody locks: left by processes that were killed.
class TemporaryFile {
 public:
  // Where it can't be made, descriptor() is not valid, and errno says why.
  explicit TemporaryFile(const std::filesystem::path& folder);
  TemporaryFile(TemporaryFile&& other) noexcept = default;
  TemporaryFile& operator=(TemporaryFile&& other) noexcept = delete;
  ~TemporaryFile();

  const Descriptor& descriptor() const { return descriptor_; }

  // Takes the place of `target`, in the same folder. 0, or the error number.
  int move_to(const std::filesystem::path& target);

 private:
  bool make_named();
  int link_to(const std::filesystem::path& name) const;

  std::filesystem::path folder_;
  std::filesystem::path name_;  // empty: it has none
  Descriptor descriptor_;
};

}  // namespace fovea
