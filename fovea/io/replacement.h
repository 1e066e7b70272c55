// Writing a file in two steps, so that several that belong together change together.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <ostream>
#include <vector>

#include "fovea/io/temporary_file.h"

namespace fovea {

// A file that is written and waits to take its place; see write_atomically, which does both. What
// is not a regular file (/dev/stdout, a pipe) is written at once.
class [[nodiscard]] Replacement {
 public:
  // Throws Error naming the file and the reason, and leaves all as it was.
  Replacement(const std::filesystem::path& path, const std::function<void(std::ostream&)>& fill);

  // Throws Error likewise.
  void take_place() { take_places({this}); }
  // All or none.
  static void take_places(const std::vector<Replacement*>& files);

 private:
  void move();

  std::filesystem::path path_;  // what the caller named, for messages
  std::filesystem::path target_;
  std::optional<TemporaryFile> file_;
};

}  // namespace fovea
