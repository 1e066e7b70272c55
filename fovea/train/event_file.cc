// A file of records (TFRecord), each a message (tensorflow's event.proto) in protobuf's encoding.
#include "fovea/train/event_file.h"

#include <array>
#include <bit>
#include <chrono>
#include <string_view>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

// CRC-32C, bit by bit from the lowest: Castagnoli's polynomial, backwards.
constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table = {};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
    table[i] = crc;
  }
  return table;
}

// Masked, as records want it: the checksum of data that holds checksums would be weak.
uint32_t masked_crc(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = crc_table();
  uint32_t crc = ~uint32_t{0};
  for (const char c : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<uint8_t>(c)) & 0xff];
  return std::rotr(~crc, 15) + 0xa282ead8U;
}

// Little-endian.
template <class Integer>
std::string fixed(Integer value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(value); ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

// Seven bits a byte; the eighth says that there are more.
std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 128; value >>= 7) bytes += static_cast<char>(value | 128);
  return bytes += static_cast<char>(value);
}

// Fields of a message, by the kinds of protobuf's encoding.
enum class Wire : uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

std::string key(int field, Wire wire) {
  return varint(static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(wire));
}

std::string number(int field, int64_t value) {
  return key(field, Wire::varint) + varint(static_cast<uint64_t>(value));
}
std::string real(int field, double value) {
  return key(field, Wire::fixed64) + fixed(std::bit_cast<uint64_t>(value));
}
std::string real(int field, float value) {
  return key(field, Wire::fixed32) + fixed(std::bit_cast<uint32_t>(value));
}
std::string text(int field, std::string_view value) {
  return key(field, Wire::bytes).append(varint(value.size())).append(value);
}

double seconds_since_1970() {
  const std::chrono::duration<double> since = std::chrono::system_clock::now().time_since_epoch();
  return since.count();
}

// Event.wall_time.
std::string now() { return real(1, seconds_since_1970()); }

}  // namespace

EventFile::EventFile(const std::filesystem::path& path)
    : path_(path), file_(path, std::ios::binary) {
  append(now() + text(3, "brain.Event:2"));  // Event.file_version
}

void EventFile::restart(int64_t step) {
  // SessionLog.status is START, in Event.session_log.
  append(now() + number(2, step) + text(7, number(1, 1)));
}

void EventFile::scalar(const std::string& tag, int64_t step, double value) {
  // Summary.Value.tag and .simple_value, in Summary.value, in Event.summary.
  const std::string named = text(1, tag) + real(2, static_cast<float>(value));
  append(now() + number(2, step) + text(5, text(1, named)));
}

void EventFile::append(const std::string& event) {
  const std::string length = fixed(static_cast<uint64_t>(event.size()));
  file_ << length << fixed(masked_crc(length)) << event << fixed(masked_crc(event)) << std::flush;
  if (!file_) fail("{}: can't be written", path_.string());
}

std::filesystem::path next_event_file(const std::filesystem::path& folder) {
  const auto path = [&](int64_t seconds) {
    return folder / fmt::format("events.out.tfevents.{:010}.fovea", seconds);
  };
  auto seconds = static_cast<int64_t>(seconds_since_1970());
  while (std::filesystem::exists(path(seconds))) ++seconds;
  return path(seconds);
}

}  // namespace fovea
