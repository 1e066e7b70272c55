#include "fovea/data/cut_short.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace fovea {
namespace {

using std::string_view_literals::operator""sv;

// Numbers and text at places of a source; zeros beyond its end.
class Fields {
 public:
  explicit Fields(const ByteSource& bytes) : bytes_(bytes) {}

  uint64_t big(int64_t at, size_t count) const {
    uint64_t value = 0;
    for (const unsigned char byte : text(at, count)) value = value << 8 | byte;
    return value;
  }
  uint64_t little(int64_t at, size_t count) const {
    std::string bytes = text(at, count);
    uint64_t value = 0;
    for (size_t i = count; i > 0; --i)
      value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
    return value;
  }
  std::string text(int64_t at, size_t count) const {
    std::string found(count, '\0');
    if (at >= 0) bytes_.read(at, std::as_writable_bytes(std::span(found)));
    return found;
  }
  int64_t size() const { return bytes_.size(); }

 private:
  const ByteSource& bytes_;
};

std::string said(const Fields& file, uint64_t expected) {
  return fmt::format("ends after {} of {} bytes", file.size(), expected);
}

// A header that tells the length of all that follows; programs that don't know it yet write nearly
// the largest number. The last byte may be one that only makes the length even.
std::string of_header(const Fields& file, uint64_t length) {
  constexpr uint64_t kUnknown = 0x7fff0000;
  constexpr uint64_t kHeader = 8;
  if (length >= kUnknown || kHeader + length <= static_cast<uint64_t>(file.size()) + 1) return "";
  return said(file, kHeader + length);
}

constexpr std::array kBoxes = {"ftyp"sv, "moov"sv, "mdat"sv, "wide"sv, "free"sv, "skip"sv};

// MP4 and QuickTime: boxes one behind the other, of which those with pictures, sound and their
// index must be whole.
std::string of_boxes(const Fields& file) {
  constexpr int kMostBoxes = 1'000'000;
  int64_t at = 0;
  for (int i = 0; i < kMostBoxes && at < file.size(); ++i) {
    uint64_t length = file.big(at, 4);
    const bool is_long = length == 1;
    if (is_long) length = file.big(at + 8, 8);
    if (length < (is_long ? 16U : 8U)) return "";  // 0: to the end
    const auto left = static_cast<uint64_t>(file.size() - at);
    if (length > left) {
      const std::string type = file.text(at + 4, 4);
      const bool counts = type == "mdat" || type == "moov" || type == "moof";
      return counts ? said(file, at + length) : "";
    }
    at += static_cast<int64_t>(length);
  }
  return "";
}

// An EBML element's length, a number whose first byte says how long it is; `at` goes behind it.
// Nothing where it is not known.
std::optional<uint64_t> element_length(const Fields& file, int64_t& at) {
  constexpr int kLongest = 8;
  const auto first = static_cast<unsigned>(file.big(at, 1));
  int bytes = 1;
  while (bytes <= kLongest && (first >> (kLongest - bytes) & 1U) == 0) ++bytes;
  if (bytes > kLongest) return std::nullopt;
  const uint64_t all_ones = (uint64_t{1} << (7 * bytes)) - 1;
  const uint64_t length = file.big(at, bytes) & all_ones;
  at += bytes;
  return length == all_ones ? std::nullopt : std::optional(length);
}

// Matroska and WebM: a header, then one segment with all the rest.
std::string of_elements(const Fields& file) {
  constexpr uint64_t kSegment = 0x18538067;
  constexpr size_t kId = 4;
  int64_t at = kId;
  const std::optional<uint64_t> header = element_length(file, at);
  if (!header || *header > static_cast<uint64_t>(file.size())) return "";
  at += static_cast<int64_t>(*header);
  if (file.big(at, kId) != kSegment) return "";
  at += kId;
  const std::optional<uint64_t> length = element_length(file, at);
  if (!length || at > file.size() || *length <= static_cast<uint64_t>(file.size() - at)) return "";
  return said(file, at + *length);
}

// Ogg: the last page is whole and says that it is the last.
std::string of_pages(const Fields& file) {
  constexpr int64_t kLongestPage = 65'307;
  constexpr size_t kHeader = 27;
  const int64_t from = std::max<int64_t>(0, file.size() - kLongestPage);
  const std::string tail = file.text(from, static_cast<size_t>(file.size() - from));
  const size_t begin = tail.rfind("OggS");
  if (begin == std::string::npos) return "";
  const std::string_view page = std::string_view(tail).substr(begin);
  constexpr std::string_view kCut = "ends in the middle of an Ogg page";
  if (page.size() < kHeader) return std::string(kCut);
  const auto segments = static_cast<unsigned char>(page[kHeader - 1]);
  size_t length = kHeader + segments;
  if (page.size() < length) return std::string(kCut);
  for (const char segment : page.substr(kHeader, segments)) {
    length += static_cast<unsigned char>(segment);
  }
  if (page.size() < length) return std::string(kCut);
  const bool is_last = (static_cast<unsigned char>(page[5]) & 4U) != 0;
  return is_last ? "" : "ends before the last Ogg page of its stream";
}

// MP3: the first frame, behind ID3's tag, may tell the length of all.
std::string of_frames(const Fields& file) {
  constexpr int64_t kTagHeader = 10;
  constexpr size_t kLooked = 64;  // of the first frame: its header and side information
  int64_t at = 0;
  if (file.text(0, 3) == "ID3") {
    at = kTagHeader;
    for (int i = 6; i < kTagHeader; ++i) at += static_cast<int64_t>(file.big(i, 1)) << 7 * (9 - i);
  }
  const std::string first = file.text(at, kLooked);
  for (const char* mark : {"Xing", "Info"}) {
    const size_t found = first.find(mark);
    if (found == std::string::npos) continue;
    const int64_t flags = at + static_cast<int64_t>(found) + 4;
    const uint64_t has = file.big(flags, 4);
    if ((has & 2U) == 0) return "";
    const uint64_t length = file.big(flags + ((has & 1U) == 0 ? 4 : 8), 4);
    return at + length <= static_cast<uint64_t>(file.size()) ? "" : said(file, at + length);
  }
  return "";
}

// Where a GIF's chain of blocks ends, each with its length before it.
int64_t behind_chain(const Fields& file, int64_t at) {
  while (at < file.size()) {
    const auto length = static_cast<int64_t>(file.big(at, 1));
    at += 1 + length;
    if (length == 0) break;
  }
  return at;
}

// How many bytes a GIF's palette takes, by the byte that tells of it.
int64_t palette_bytes(uint64_t packed) {
  return (packed & 0x80U) == 0 ? 0 : int64_t{6} << (packed & 7U);
}

// GIF: extensions and pictures, each whole. What says that no more come is often left out.
std::string of_blocks(const Fields& file) {
  constexpr int64_t kHeader = 13;
  constexpr int64_t kPicture = 10;
  int64_t at = kHeader + palette_bytes(file.big(10, 1));
  while (at < file.size()) {
    const uint64_t kind = file.big(at, 1);
    if (kind == '!') {
      at = behind_chain(file, at + 2);
    } else if (kind == ',') {
      at = behind_chain(file, at + kPicture + palette_bytes(file.big(at + kPicture - 1, 1)) + 1);
    } else {
      return "";
    }
  }
  return at == file.size() ? "" : "ends in the middle of a GIF block";
}

}  // namespace

std::string how_cut_short(const ByteSource& bytes) {
  const Fields file(bytes);
  const std::string begin = file.text(0, 8);
  const auto starts = [&](std::string_view mark) { return begin.starts_with(mark); };
  if (starts("RIFF")) return of_header(file, file.little(4, 4));
  if (starts("FORM")) return of_header(file, file.big(4, 4));
  if (starts("\x1a\x45\xdf\xa3")) return of_elements(file);
  if (starts("GIF8")) return of_blocks(file);
  if (starts("OggS")) return of_pages(file);
  if (starts("ID3") || (file.big(0, 2) & 0xffe0U) == 0xffe0U) return of_frames(file);
  if (std::find(kBoxes.begin(), kBoxes.end(), begin.substr(4)) != kBoxes.end()) {
    return of_boxes(file);
  }
  return "";
}

}  // namespace fovea
