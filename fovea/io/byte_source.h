// Bytes that are read where they are wanted, so that memory does not grow with a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace fovea {

class ByteSource {
 public:
  explicit ByteSource(std::string name) : name_(std::move(name)) {}
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // For messages.
  const std::string& name() const { return name_; }
  virtual int64_t size() const = 0;
  // Fills `to` with what stands at `offset` (0 or more) and says how many bytes that were: fewer
  // only where the source ends, or can't be read. Several threads may read at once.
  virtual size_t read(int64_t offset, std::span<std::byte> to) const = 0;

  // The first bytes, as many as there are of `count`.
  std::vector<std::byte> beginning(size_t count) const;

 private:
  std::string name_;
};

using SharedBytes = std::shared_ptr<const ByteSource>;

// A place in them, for libraries that read and seek as in a file.
class ByteCursor {
 public:
  explicit ByteCursor(SharedBytes bytes) : bytes_(std::move(bytes)) {}

  const ByteSource& bytes() const { return *bytes_; }
  int64_t at() const { return at_; }
  // The next bytes: fewer than there is room for only as ByteSource::read gives fewer.
  size_t read(std::span<std::byte> to);
  // Goes to an offset from the beginning, this place or the end (whence: SEEK_SET, SEEK_CUR,
  // SEEK_END), also behind the end, and says where that is; -1, and stays, where it is before the
  // beginning.
  int64_t seek(int64_t offset, int whence);

 private:
  SharedBytes bytes_;
  int64_t at_ = 0;
};

// A file. Throws Error naming it where it can't be opened or is empty.
SharedBytes open_bytes(const std::filesystem::path& path);

// Bytes of the caller's, who keeps them.
SharedBytes bytes_in_memory(std::span<const std::byte> bytes, const std::string& name);

// Bytes of its own. Throws Error naming them where there are none.
SharedBytes bytes_kept(std::vector<std::byte> bytes, const std::string& name);

}  // namespace fovea
