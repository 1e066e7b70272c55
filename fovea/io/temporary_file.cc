#include "fovea/io/temporary_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

namespace fovea {
namespace {

namespace fs = std::filesystem;

bool is_temporary_name(std::string_view name) {
  return name.size() == 27 && name.starts_with(".fovea-") && name.ends_with(".tmp");
}

// A lock says more than a process's number: it is right when numbers are given again, in containers
// that share a folder, and on network file systems that keep locks.
void remove_if_left(const fs::path& name) {
  const Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.valid() && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(name.c_str());
}

// Once for each folder.
void remove_left_behind(const fs::path& folder) {
  static std::mutex mutex;
  static std::set<fs::path> seen;
  {
    const std::lock_guard guard(mutex);
    std::error_code error;
    if (!seen.insert(fs::canonical(folder, error)).second) return;
  }
  // Not std::filesystem's iterator, which ends the program where memory is short.
  const auto close = [](DIR* opened) { ::closedir(opened); };
  const std::unique_ptr<DIR, decltype(close)> files(::opendir(folder.c_str()), close);
  while (const dirent* file = files == nullptr ? nullptr : ::readdir(files.get())) {
    if (is_temporary_name(file->d_name)) remove_if_left(folder / file->d_name);
  }
}

// A file without a name, where the system can give it one later.
Descriptor open_unnamed(const fs::path& folder) {
  if (::access("/proc/self/fd", X_OK) != 0) return Descriptor();
  return Descriptor(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666));
}

}  // namespace

fs::path temporary_name(const fs::path& folder) {
  std::random_device random;
  // Without the target's name, which may already be as long as names can be.
  return folder / fmt::format(".fovea-{:08x}{:08x}.tmp", random(), random());
}

TemporaryFile::TemporaryFile(const fs::path& folder)
    : folder_(folder), descriptor_(open_unnamed(folder)) {
  if (descriptor_.valid()) {
    ::flock(descriptor_.get(), LOCK_EX);  // before it has a name
  } else if (!make_named()) {
    return;
  }
  remove_left_behind(folder);
}

TemporaryFile::~TemporaryFile() {
  // What was moved from has no descriptor.
  if (descriptor_.valid() && !name_.empty()) ::unlink(name_.c_str());
}

bool TemporaryFile::make_named() {
  while (true) {
    name_ = temporary_name(folder_);
    // Not mkstemp: the mode 0666 lets the system apply the umask, which can't be read safely.
    descriptor_ = Descriptor(::open(name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!descriptor_.valid() && errno == EEXIST) continue;
    if (!descriptor_.valid()) return false;
    // Where locks don't work, nobody gets one to remove it either.
    ::flock(descriptor_.get(), LOCK_EX);
    struct stat status = {};
    // Before it was locked another process may have taken it for one left behind.
    if (::fstat(descriptor_.get(), &status) != 0 || status.st_nlink > 0) return true;
  }
}

int TemporaryFile::link_to(const fs::path& name) const {
  const std::string file = fmt::format("/proc/self/fd/{}", descriptor_.get());
  return ::linkat(AT_FDCWD, file.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0 ? 0
                                                                                          : errno;
}

int TemporaryFile::move_to(const fs::path& target) {
  if (name_.empty()) {
    const int error = link_to(target);
    if (error != EEXIST) return error;
    // A link can't replace a file; a new name can.
    const fs::path name = temporary_name(folder_);
    if (const int failed = link_to(name)) return failed;
    name_ = name;
  }
  if (::rename(name_.c_str(), target.c_str()) != 0) return errno;
  name_.clear();
  return 0;
}

}  // namespace fovea
