// Zip files, read by several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "fovea/io/file.h"

struct zip;       // libzip's handle
struct zip_stat;  // what it says of an entry

namespace fovea {

class ZipFile {
 public:
  // Throws Error naming the file where it can't be opened or is no zip.
  explicit ZipFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  // As they stand in the file: "train/cat/1.png", and "train/" of a folder.
  const std::vector<std::string>& names() const { return names_; }
  // Throws Error where one of these could not be read: it is encrypted, or packed in a way that
  // libzip does not know.
  void check_readable(std::span<const int64_t> entries) const;
  // What an entry holds; its checksum is compared. Several threads may read at once: each has a
  // handle of its own meanwhile, for libzip's are not made for more. Throws Error.
  std::vector<std::byte> read(int64_t entry) const;
  // "cifar.zip: train/cat/1.png", for messages.
  std::string name(int64_t entry) const;

 private:
  struct Close {
    void operator()(zip* handle) const;
  };
  using Handle = std::unique_ptr<zip, Close>;
  Handle open() const;
  struct zip_stat stat(zip* handle, int64_t entry) const;
  std::vector<std::byte> read(zip* handle, int64_t entry) const;
  Handle take() const;
  void give_back(Handle handle) const;

  MappedFile file_;
  std::vector<std::string> names_;
  mutable std::mutex lock_;
  mutable std::vector<Handle> idle_;  // guarded by lock_
};

}  // namespace fovea
