// Going by the central directory: local headers of what is written in one go don't know the sizes.
#include "fovea/io/stored_zip.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

using Bytes = std::span<const std::byte>;

constexpr uint32_t kLocal = 0x04034b50;
constexpr uint32_t kEntry = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50;
constexpr uint32_t kLocator64 = 0x07064b50;
constexpr size_t kLocalSize = 30, kEntrySize = 46, kEndSize = 22, kEnd64Size = 56,
                 kLocatorSize = 20;

// A number that the caller has checked to lie inside.
template <typename T>
T number(Bytes bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

bool has(Bytes bytes, uint64_t at, size_t size, uint32_t signature) {
  return at <= bytes.size() && size <= bytes.size() - at &&
         number<uint32_t>(bytes, at) == signature;
}

// Where the last record is: before the file's comment, which is what reaches to the end.
std::optional<size_t> find_end(Bytes bytes) {
  constexpr size_t kLongestComment = 0xFFFF;
  for (size_t comment = 0; comment <= kLongestComment; ++comment) {
    if (bytes.size() < kEndSize + comment) break;
    const size_t at = bytes.size() - kEndSize - comment;
    if (has(bytes, at, kEndSize, kEnd) && number<uint16_t>(bytes, at + 20) == comment) return at;
  }
  return std::nullopt;
}

struct Directory {
  uint64_t entries = 0, size = 0, begin = 0;
};

// Numbers that don't fit the old fields stand in zip64's record, which a locator before the end
// leads to.
Directory find_directory(Bytes bytes, size_t end, const std::string& name) {
  Directory d = {number<uint16_t>(bytes, end + 10), number<uint32_t>(bytes, end + 12),
                 number<uint32_t>(bytes, end + 16)};
  if (end >= kLocatorSize && has(bytes, end - kLocatorSize, kLocatorSize, kLocator64)) {
    const auto at = number<uint64_t>(bytes, end - kLocatorSize + 8);
    if (!has(bytes, at, kEnd64Size, kEnd64)) {
      fail("{}: its zip64 directory is not where it should be; is the file truncated?", name);
    }
    d = {number<uint64_t>(bytes, at + 32), number<uint64_t>(bytes, at + 40),
         number<uint64_t>(bytes, at + 48)};
  }
  if (d.begin > end || d.size > end - d.begin) {
    fail("{}: its zip directory lies outside the file; is the file truncated?", name);
  }
  return d;
}

// Sizes and offset of 64 bits, in that order those that 32 bits have no room for.
void widen(Bytes extra, StoredZip::Record& record, const std::string& name) {
  uint64_t* const fields[] = {&record.size, &record.packed_size, &record.header};
  if (std::none_of(std::begin(fields), std::end(fields),
                   [](const uint64_t* field) { return *field == UINT32_MAX; })) {
    return;
  }
  while (extra.size() >= 4) {
    const auto id = number<uint16_t>(extra, 0);
    const size_t size = std::min<size_t>(number<uint16_t>(extra, 2), extra.size() - 4);
    Bytes rest = extra.subspan(4, size);
    extra = extra.subspan(4 + size);
    if (id != 1) continue;
    for (uint64_t* field : fields) {
      if (*field != UINT32_MAX) continue;
      if (rest.size() < 8) break;
      *field = number<uint64_t>(rest, 0);
      rest = rest.subspan(8);
    }
    return;
  }
  fail("{}: its zip directory lacks sizes of 64 bits", name);
}

}  // namespace

StoredZip StoredZip::parse(Bytes bytes, const std::string& name) {
  const std::optional<size_t> end = find_end(bytes);
  if (!end) fail("{}: has no zip directory at its end; is the file truncated?", name);
  const Directory directory = find_directory(bytes, *end, name);
  StoredZip zip;
  zip.bytes_ = bytes;
  zip.name_ = name;
  zip.directory_ = directory.begin;
  Bytes rest = bytes.subspan(directory.begin, directory.size);
  for (uint64_t i = 0; i < directory.entries; ++i) {
    const size_t lengths = !has(rest, 0, kEntrySize, kEntry)
                               ? rest.size()
                               : size_t{number<uint16_t>(rest, 28)} + number<uint16_t>(rest, 30) +
                                     number<uint16_t>(rest, 32);
    if (rest.size() < kEntrySize || lengths > rest.size() - kEntrySize) {
      fail("{}: its zip directory ends within entry {} of {}", name, i + 1, directory.entries);
    }
    Record record = {number<uint16_t>(rest, 8), number<uint16_t>(rest, 10),
                     number<uint32_t>(rest, 20), number<uint32_t>(rest, 24),
                     number<uint32_t>(rest, 42)};
    const size_t length = number<uint16_t>(rest, 28);
    widen(rest.subspan(kEntrySize + length, number<uint16_t>(rest, 30)), record, name);
    std::string called(reinterpret_cast<const char*>(rest.data()) + kEntrySize, length);
    if (!zip.records_.emplace(called, record).second) {
      fail("{}: has the record {} twice", name, printable(called));
    }
    rest = rest.subspan(kEntrySize + lengths);
  }
  return zip;
}

Bytes StoredZip::read(const std::string& record) const {
  const auto found = records_.find(record);
  if (found == records_.end()) fail("{}: has no record {}", name_, printable(record));
  const Record& r = found->second;
  if (r.method != 0 || (r.flags & 1U) != 0) {
    fail("{}: record {} is {}; expected it stored as it is, as torch.save does", name_,
         printable(record), r.method != 0 ? "compressed" : "encrypted");
  }
  if (r.size != r.packed_size) {
    fail("{}: record {} has {} bytes for {}; expected as many", name_, printable(record),
         r.packed_size, r.size);
  }
  if (!has(bytes_, r.header, kLocalSize, kLocal)) {
    fail("{}: record {} is not where the zip directory has it", name_, printable(record));
  }
  const uint64_t begin = r.header + kLocalSize + number<uint16_t>(bytes_, r.header + 26) +
                         number<uint16_t>(bytes_, r.header + 28);
  if (begin > directory_ || r.size > directory_ - begin) {
    fail("{}: record {} has {} bytes, of which only {} are there", name_, printable(record), r.size,
         directory_ - std::min(begin, directory_));
  }
  return bytes_.subspan(begin, r.size);
}

}  // namespace fovea
