// Reading through libzip, from a map of the file.
#include "fovea/io/zip.h"

#include <zip.h>

#include <algorithm>
#include <utility>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 29;  // of an entry; a few bytes can claim to be more
constexpr uint64_t kPieceBytes = uint64_t{1} << 20;

struct CloseEntry {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

}  // namespace

void ZipFile::Close::operator()(zip* handle) const { zip_discard(handle); }

ZipFile::ZipFile(const std::filesystem::path& path) : file_(MappedFile::open(path)) {
  Handle handle = open();
  const zip_int64_t count = zip_get_num_entries(handle.get(), 0);
  names_.reserve(count);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* name = zip_get_name(handle.get(), i, 0);
    names_.emplace_back(name != nullptr ? name : "");
  }
  give_back(std::move(handle));
}

ZipFile::Handle ZipFile::open() const {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source =
      zip_source_buffer_create(file_.bytes().data(), file_.bytes().size(), 0, &error);
  zip_t* handle = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
  if (handle != nullptr) return Handle(handle);
  const std::string reason = zip_error_strerror(&error);
  zip_source_free(source);
  zip_error_fini(&error);
  fail("{}: can't be read as a zip: {}", path().string(), printable(reason));
}

ZipFile::Handle ZipFile::take() const {
  {
    const std::lock_guard lock(lock_);
    if (!idle_.empty()) {
      Handle handle = std::move(idle_.back());
      idle_.pop_back();
      return handle;
    }
  }
  return open();
}

void ZipFile::give_back(Handle handle) const {
  const std::lock_guard lock(lock_);
  idle_.push_back(std::move(handle));
}

struct zip_stat ZipFile::stat(zip* handle, int64_t entry) const {
  zip_stat_t stat;
  if (zip_stat_index(handle, entry, 0, &stat) == 0) return stat;
  fail("{}: {}", name(entry), printable(zip_strerror(handle)));
}

void ZipFile::check_readable(std::span<const int64_t> entries) const {
  Handle handle = take();
  for (const int64_t entry : entries) {
    const zip_stat_t found = stat(handle.get(), entry);
    if (found.encryption_method != ZIP_EM_NONE) {
      fail("{}: encrypted; expected a zip without a password", name(entry));
    }
    if (zip_compression_method_supported(found.comp_method, 0) == 0) {
      fail("{}: compressed by method {}, which can't be read; expected a zip that is deflated",
           name(entry), found.comp_method);
    }
  }
  give_back(std::move(handle));
}

std::vector<std::byte> ZipFile::read(int64_t entry) const {
  Handle handle = take();
  std::vector<std::byte> bytes = read(handle.get(), entry);
  give_back(std::move(handle));
  return bytes;
}

std::vector<std::byte> ZipFile::read(zip* handle, int64_t entry) const {
  const uint64_t size = stat(handle, entry).size;
  if (size > kMostBytes) fail("{}: {} bytes; expected at most {}", name(entry), size, kMostBytes);
  const std::unique_ptr<zip_file_t, CloseEntry> file(zip_fopen_index(handle, entry, 0));
  if (file == nullptr) fail("{}: {}", name(entry), printable(zip_strerror(handle)));
  // Grown as bytes come: an entry may claim more than it holds.
  std::vector<std::byte> bytes;
  zip_int64_t got = 0;
  do {
    const size_t before = bytes.size();
    bytes.resize(std::min<uint64_t>(size, before + kPieceBytes));
    got = zip_fread(file.get(), bytes.data() + before, bytes.size() - before);
    bytes.resize(before + std::max<zip_int64_t>(got, 0));
  } while (got > 0 && bytes.size() < size);
  // The checksum is compared where the end is read.
  std::byte beyond;
  if (bytes.size() != size || zip_fread(file.get(), &beyond, 1) != 0) {
    fail("{}: broken: {}", name(entry), printable(zip_file_strerror(file.get())));
  }
  return bytes;
}

std::string ZipFile::name(int64_t entry) const {
  return fmt::format("{}: {}", path().string(), printable(names_[entry]));
}

}  // namespace fovea
