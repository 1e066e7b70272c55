#include "fovea/io/byte_source.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/io/regular_file.h"

namespace fovea {
namespace {

class FileBytes : public ByteSource {
 public:
  FileBytes(const std::string& name, RegularFile file) : ByteSource(name), file_(std::move(file)) {}

  int64_t size() const override { return static_cast<int64_t>(file_.size); }
  size_t read(int64_t offset, std::span<std::byte> to) const override {
    size_t done = 0;
    while (done < to.size()) {
      const ssize_t count = ::pread(file_.descriptor.get(), to.data() + done, to.size() - done,
                                    offset + static_cast<int64_t>(done));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }

 private:
  RegularFile file_;
};

class MemoryBytes : public ByteSource {
 public:
  MemoryBytes(const std::string& name, std::span<const std::byte> bytes)
      : ByteSource(name), bytes_(bytes) {}

  int64_t size() const override { return static_cast<int64_t>(bytes_.size()); }
  size_t read(int64_t offset, std::span<std::byte> to) const override {
    if (offset >= size()) return 0;
    const auto begin = static_cast<size_t>(offset);
    const size_t count = std::min(to.size(), bytes_.size() - begin);
    if (count > 0) std::memcpy(to.data(), bytes_.data() + begin, count);
    return count;
  }

 private:
  std::span<const std::byte> bytes_;
};

class KeptBytes : public MemoryBytes {
 public:
  KeptBytes(const std::string& name, std::vector<std::byte> bytes)
      : MemoryBytes(name, bytes), kept_(std::move(bytes)) {}

 private:
  std::vector<std::byte> kept_;  // moving a vector leaves its values where they are
};

}  // namespace

std::vector<std::byte> ByteSource::beginning(size_t count) const {
  std::vector<std::byte> bytes(count);
  bytes.resize(read(0, bytes));
  return bytes;
}

size_t ByteCursor::read(std::span<std::byte> to) {
  const size_t done = bytes_->read(at_, to);
  at_ += static_cast<int64_t>(done);
  return done;
}

int64_t ByteCursor::seek(int64_t offset, int whence) {
  const int64_t from = whence == SEEK_CUR ? at_ : whence == SEEK_END ? bytes_->size() : 0;
  int64_t to = 0;
  if (__builtin_add_overflow(from, offset, &to) || to < 0) return -1;
  return at_ = to;
}

SharedBytes open_bytes(const std::filesystem::path& path) {
  RegularFile file = open_regular(path);
  if (file.size == 0) fail("{}: is empty", path.string());
  return std::make_shared<FileBytes>(path.string(), std::move(file));
}

SharedBytes bytes_in_memory(std::span<const std::byte> bytes, const std::string& name) {
  return std::make_shared<MemoryBytes>(name, bytes);
}

SharedBytes bytes_kept(std::vector<std::byte> bytes, const std::string& name) {
  if (bytes.empty()) fail("{}: is empty", name);
  return std::make_shared<KeptBytes>(name, std::move(bytes));
}

}  // namespace fovea
