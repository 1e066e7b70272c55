// Files: read-only memory maps, and writing that never leaves half a file behind.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "fovea/api.h"

namespace fovea {

// A whole file mapped read-only; the bytes live as long as any copy of this handle. Nobody may cut
// the file short meanwhile (replacing it by another, as write_atomically does, is fine).
class FOVEA_API MappedFile {
 public:
  // Throws Error naming the file when it is missing, a folder, unreadable or empty.
  static MappedFile open(const std::filesystem::path& path);

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::filesystem::path& path() const { return path_; }
  // Gives back the memory of what was read; whoever reads it again has it read anew.
  void let_go() const;

 private:
  std::filesystem::path path_;
  std::shared_ptr<const void> mapping_;
  std::span<const std::byte> bytes_;
};

// Reads a whole text file. Throws Error naming it when it can't be read or is larger than `limit`
// bytes.
FOVEA_API std::string read_text(const std::filesystem::path& path, size_t limit = size_t{64} << 20);

// Writes `path` by filling a temporary file in the same folder, which takes its place when all of
// it is on the disk; on any failure the temporary is removed, what was at `path` stays as it was,
// and Error names the file and the reason (no space, no permission, no such folder). A symbolic
// link stays one: its target is replaced. Things that are not regular files (/dev/stdout, a pipe)
// are written directly. The stream only goes forward.
FOVEA_API void write_atomically(const std::filesystem::path& path,
                                const std::function<void(std::ostream&)>& fill);

// The names in a folder, in the system's order. (std::filesystem's iterators end the program where
// memory is short.)
std::vector<std::string> names_in_folder(const std::filesystem::path& folder,
                                         std::error_code& error);

}  // namespace fovea
