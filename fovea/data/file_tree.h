// Files by their path in a folder, which is one of a file system or of a zip file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fovea {

class FileTree {
 public:
  virtual ~FileTree() = default;
  // Of the files that lie in the folder itself, sorted.
  virtual std::vector<std::string> names() const = 0;
  // Paths are relative, with slashes, and may begin with "..".
  virtual bool has(const std::string& path) const = 0;
  // What a file holds; several threads may read at once. Throws Error with its name.
  virtual std::vector<std::byte> read(const std::string& path) const = 0;
  virtual std::string name(const std::string& path) const = 0;  // for messages
};

// A zip file on the way to a path, and the folder in it that the path then means: "cifar.zip/train"
// is "train" in "cifar.zip"; "." is all of it.
struct ZipFolder {
  std::filesystem::path zip;
  std::string folder;
};
std::optional<ZipFolder> find_zip(const std::filesystem::path& path);

// A part of a data set, or (empty) all of it, without the slash that may end it.
std::filesystem::path join_split(const std::filesystem::path& path, const std::string& split);

// Throws Error where `path` is neither a folder nor one in a zip file.
std::unique_ptr<FileTree> open_tree(const std::filesystem::path& path);

}  // namespace fovea
