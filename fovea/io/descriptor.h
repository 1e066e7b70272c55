// Open file descriptors, and calls that end early taken up again.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>

namespace fovea {

// Closed with the scope.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
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

// Writes all of it. 0, or the error number.
inline int write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

// Fills `bytes` with what stands at `offset`. 0, or the error number; EIO where the file ends
// early.
inline int read_all(int fd, std::span<std::byte> bytes, off_t offset) {
  while (!bytes.empty()) {
    const ssize_t read = ::pread(fd, bytes.data(), bytes.size(), offset);
    if (read == 0) return EIO;
    if (read > 0) {
      bytes = bytes.subspan(static_cast<size_t>(read));
      offset += read;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace fovea
