// Files through the system's own calls, so that every failure is reported with its reason.
#include "fovea/io/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <memory>
#include <streambuf>
#include <system_error>
#include <utility>
#include <vector>

#include "fovea/io/fail.h"
#include "fovea/io/regular_file.h"
#include "fovea/io/replacement.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) { return std::generic_category().message(error); }

// Writes to a descriptor and remembers why it failed first.
class DescriptorBuffer : public std::streambuf {
 public:
  explicit DescriptorBuffer(int fd) : fd_(fd), buffer_(size_t{1} << 16) { rewind(); }
  int error() const { return error_; }

 protected:
  int_type overflow(int_type character) override {
    if (!flush()) return traits_type::eof();
    if (!traits_type::eq_int_type(character, traits_type::eof())) {
      sputc(traits_type::to_char_type(character));
    }
    return traits_type::not_eof(character);
  }

  std::streamsize xsputn(const char* text, std::streamsize count) override {
    if (count > epptr() - pptr()) {
      // Large blocks go past the buffer.
      return flush() && put(text, static_cast<size_t>(count)) ? count : 0;
    }
    std::copy_n(text, count, pptr());
    pbump(static_cast<int>(count));
    return count;
  }

  int sync() override { return flush() ? 0 : -1; }

 private:
  void rewind() { setp(buffer_.data(), buffer_.data() + buffer_.size()); }

  bool flush() {
    const bool done = put(pbase(), static_cast<size_t>(pptr() - pbase()));
    rewind();
    return done;
  }

  bool put(const char* text, size_t count) {
    if (error_ == 0) error_ = write_all(fd_, std::as_bytes(std::span(text, count)));
    return error_ == 0;
  }

  int fd_;
  int error_ = 0;
  std::vector<char> buffer_;
};

[[noreturn]] void fail_to_write(const fs::path& path, const std::string& why) {
  fail("{}: cannot be written: {}", path.string(), why);
}

// Throws Error naming `path` where the descriptor does not take all of it.
void write_to(int descriptor, const fs::path& path,
              const std::function<void(std::ostream&)>& fill) {
  DescriptorBuffer buffer(descriptor);
  std::ostream stream(&buffer);
  fill(stream);
  stream.flush();
  if (buffer.error() != 0) fail_to_write(path, reason(buffer.error()));
  if (!stream) fail_to_write(path, "the stream failed");
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

TemporaryFile temporary_beside(const fs::path& target, const fs::path& named) {
  const fs::path folder = folder_of(target);
  TemporaryFile file(folder);
  if (file.descriptor().valid()) return file;
  if (errno == ENOENT) fail_to_write(named, fmt::format("no such folder: {}", folder.string()));
  fail_to_write(named, reason(errno));
}

// Until the bytes are on the disk: a power cut must not leave a new name on an empty file.
void sync(const Descriptor& file, const fs::path& path) {
  const bool done = ::fsync(file.get()) == 0;
  if (!done && errno != EINVAL && errno != ENOTSUP) fail_to_write(path, reason(errno));
}

// The new name likewise. What can't be synchronised here is a whole file all the same, the new one
// or, after a power cut, the one before.
void sync_folder(const fs::path& folder) {
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.valid()) ::fsync(opened.get());
}

// What stands at a place, kept under another name, and put back there with the scope unless it is
// given up.
class Former {
 public:
  explicit Former(const fs::path& place) : place_(place), kept_(temporary_name(folder_of(place))) {
    is_kept_ = ::link(place_.c_str(), kept_.c_str()) == 0;
    was_there_ = is_kept_ || errno != ENOENT;
  }
  Former(const Former&) = delete;
  Former& operator=(const Former&) = delete;
  ~Former() {
    if (!given_up_ && is_kept_) ::rename(kept_.c_str(), place_.c_str());
    if (!given_up_ && !was_there_) ::unlink(place_.c_str());
    if (is_kept_) ::unlink(kept_.c_str());  // where it is the same file still, it wasn't renamed
  }
  void give_up() { given_up_ = true; }

 private:
  fs::path place_, kept_;
  bool is_kept_ = false, was_there_ = false, given_up_ = false;
};

bool is_in_proc(const fs::path& path) {
  std::error_code error;
  const std::string folder = fs::canonical(fs::absolute(path, error).parent_path(), error).string();
  return folder == "/proc" || folder.starts_with("/proc/");
}

struct Target {
  fs::path file;
  bool direct;  // not to be replaced but written as it is
};

// Follows symbolic links to what is to be written.
Target find_target(const fs::path& path) {
  std::error_code ignored;  // of a path that can't be reached; creating the temporary says why
  const fs::file_status status = fs::status(path, ignored);
  if (fs::is_directory(status)) fail_to_write(path, "it is a folder");
  if (!path.has_filename()) fail_to_write(path, "expected the name of a file");
  if (fs::exists(status) && !fs::is_regular_file(status)) return {path, true};
  fs::path file = path;
  constexpr int kMostLinks = 40;  // as the system allows
  for (int links = 0; fs::is_symlink(fs::symlink_status(file, ignored)); ++links) {
    if (links == kMostLinks) fail_to_write(path, reason(ELOOP));
    // /dev/stdout leads to /proc/self/fd/1, whose target may have other writers or no name at all.
    if (is_in_proc(file)) return {path, true};
    file = file.parent_path() / fs::read_symlink(file, ignored);
  }
  if (fs::exists(status) && ::access(file.c_str(), W_OK) != 0) fail_to_write(path, reason(errno));
  return {file, false};
}

}  // namespace

RegularFile open_regular(const fs::path& path) {
  // Non-blocking, so that a pipe without a writer is refused below instead of waited for.
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status = {};
  if (!descriptor.valid() || ::fstat(descriptor.get(), &status) != 0) {
    fail("{}: cannot be opened: {}", path.string(), reason(errno));
  }
  if (S_ISDIR(status.st_mode)) fail("{}: is a folder; expected a file", path.string());
  if (!S_ISREG(status.st_mode)) fail("{}: is not a regular file", path.string());
  return {std::move(descriptor), static_cast<size_t>(status.st_size)};
}

MappedFile MappedFile::open(const fs::path& path) {
  const RegularFile file = open_regular(path);
  if (file.size == 0) fail("{}: is empty", path.string());
  void* address = ::mmap(nullptr, file.size, PROT_READ, MAP_PRIVATE, file.descriptor.get(), 0);
  if (address == MAP_FAILED) fail("{}: cannot be mapped: {}", path.string(), reason(errno));
  MappedFile mapped;
  mapped.path_ = path;
  mapped.mapping_ = std::shared_ptr<const void>(
      address, [size = file.size](const void* start) { ::munmap(const_cast<void*>(start), size); });
  mapped.bytes_ = {static_cast<const std::byte*>(address), file.size};
  return mapped;
}

void MappedFile::let_go() const {
  // Nobody writes to these pages, so that they are still what the file holds. A hint: failing costs
  // only memory.
  ::madvise(const_cast<void*>(mapping_.get()), bytes_.size(), MADV_DONTNEED);
}

std::string read_text(const fs::path& path, size_t limit) {
  const RegularFile file = open_regular(path);
  std::string text;
  size_t length = 0;
  // Until the end, not just the size that was told: files under /proc tell 0, others may grow.
  while (length <= limit && file.size <= limit) {
    text.resize(std::max({file.size + 1, length + 4096, length + length / 2}));
    const ssize_t count = ::read(file.descriptor.get(), text.data() + length, text.size() - length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("{}: cannot be read: {}", path.string(), reason(errno));
    if (count == 0) {
      text.resize(length);
      return text;
    }
    length += static_cast<size_t>(count);
  }
  fail("{}: is larger than {} bytes", path.string(), limit);
}

Replacement::Replacement(const fs::path& path, const std::function<void(std::ostream&)>& fill)
    : path_(path) {
  Target target = find_target(path);
  if (target.direct) {
    // Appending, so that redirected output keeps what others wrote to it before.
    Descriptor descriptor(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (!descriptor.valid()) fail_to_write(path, reason(errno));
    write_to(descriptor.get(), path, fill);
    if (const int error = descriptor.close()) fail_to_write(path, reason(error));
    return;
  }
  target_ = std::move(target.file);
  file_.emplace(temporary_beside(target_, path));
  write_to(file_->descriptor().get(), path, fill);
  sync(file_->descriptor(), path);
}

void Replacement::move() {
  if (!file_) return;
  if (const int error = file_->move_to(target_)) fail_to_write(path_, reason(error));
  file_.reset();
}

void Replacement::take_places(const std::vector<Replacement*>& files) {
  std::list<Former> formers;
  for (Replacement* file : files) {
    if (file->file_ && files.size() > 1) formers.emplace_back(file->target_);
    file->move();
  }
  for (Former& former : formers) former.give_up();
  for (const Replacement* file : files) {
    if (!file->target_.empty()) sync_folder(folder_of(file->target_));
  }
}

void write_atomically(const fs::path& path, const std::function<void(std::ostream&)>& fill) {
  Replacement(path, fill).take_place();
}

std::vector<std::string> names_in_folder(const std::filesystem::path& folder,
                                         std::error_code& error) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), ::closedir);
  std::vector<std::string> names;
  if (!open) {
    error.assign(errno, std::generic_category());
    return names;
  }
  errno = 0;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    errno = 0;
  }
  error = errno != 0 ? std::error_code(errno, std::generic_category()) : std::error_code();
  return names;
}

}  // namespace fovea
