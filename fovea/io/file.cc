// Files through the system's own calls, so that every failure is reported with its reason.
#include "fovea/io/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <streambuf>
#include <system_error>
#include <utility>
#include <vector>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) { return std::generic_category().message(error); }

// An open file descriptor that is closed with the scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // 0, or the error number: some file systems report a full disk only now.
  int close() {
    if (fd_ < 0) return 0;
    return ::close(std::exchange(fd_, -1)) == 0 ? 0 : errno;
  }

 private:
  int fd_;
};

struct OpenFile {
  Descriptor descriptor;
  size_t size;
};

OpenFile open_regular(const fs::path& path) {
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
      return flush() && write_all(text, static_cast<size_t>(count)) ? count : 0;
    }
    std::copy_n(text, count, pptr());
    pbump(static_cast<int>(count));
    return count;
  }

  int sync() override { return flush() ? 0 : -1; }

 private:
  void rewind() { setp(buffer_.data(), buffer_.data() + buffer_.size()); }

  bool flush() {
    const bool done = write_all(pbase(), static_cast<size_t>(pptr() - pbase()));
    rewind();
    return done;
  }

  bool write_all(const char* text, size_t count) {
    while (count > 0 && error_ == 0) {
      const ssize_t written = ::write(fd_, text, count);
      if (written < 0) {
        if (errno != EINTR) error_ = errno;
        continue;
      }
      text += written;
      count -= static_cast<size_t>(written);
    }
    return error_ == 0;
  }

  int fd_;
  int error_ = 0;
  std::vector<char> buffer_;
};

[[noreturn]] void fail_to_write(const fs::path& path, const std::string& why) {
  fail("{}: cannot be written: {}", path.string(), why);
}

void write_through(Descriptor& descriptor, const fs::path& path,
                   const std::function<void(std::ostream&)>& fill) {
  DescriptorBuffer buffer(descriptor.get());
  std::ostream stream(&buffer);
  fill(stream);
  stream.flush();
  const int closing = descriptor.close();
  if (buffer.error() != 0) fail_to_write(path, reason(buffer.error()));
  if (closing != 0) fail_to_write(path, reason(closing));
  if (!stream) fail_to_write(path, "the stream failed");
}

// A new file beside the target with the usual permissions; removed unless it took its place.
class TemporaryFile {
 public:
  TemporaryFile(const fs::path& target, const fs::path& named) : named_(named) {
    const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
    std::random_device random;
    do {
      // The name does not contain the target's, which may already be as long as names can be.
      path_ = folder / fmt::format(".fovea-{:08x}{:08x}.tmp", random(), random());
      // Not mkstemp: the mode 0666 lets the system apply the umask, which can't be read safely.
      descriptor_ =
          Descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    } while (!descriptor_.valid() && errno == EEXIST);
    if (descriptor_.valid()) return;
    if (errno == ENOENT) fail_to_write(named_, fmt::format("no such folder: {}", folder.string()));
    fail_to_write(named_, reason(errno));
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  Descriptor& descriptor() { return descriptor_; }

  void rename_to(const fs::path& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) fail_to_write(named_, reason(errno));
    path_.clear();
  }

 private:
  fs::path named_;  // what the caller named, for messages
  fs::path path_;
  Descriptor descriptor_{-1};
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

MappedFile MappedFile::open(const fs::path& path) {
  const OpenFile file = open_regular(path);
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

std::string read_text(const fs::path& path, size_t limit) {
  const OpenFile file = open_regular(path);
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

void write_atomically(const fs::path& path, const std::function<void(std::ostream&)>& fill) {
  const Target target = find_target(path);
  if (target.direct) {
    // Appending, so that redirected output keeps what others wrote to it before.
    Descriptor descriptor(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (!descriptor.valid()) fail_to_write(path, reason(errno));
    write_through(descriptor, path, fill);
    return;
  }
  TemporaryFile temporary(target.file, path);
  write_through(temporary.descriptor(), path, fill);
  temporary.rename_to(target.file);
}

}  // namespace fovea
