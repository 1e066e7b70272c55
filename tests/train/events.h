// Reads event files back, strictly, for tests.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/io/file.h"

namespace fovea {

// CRC-32C by its definition, one bit at a time.
inline uint32_t plain_crc(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    for (int bit = 0; bit < 8; ++bit) {
      const bool low = ((crc ^ (static_cast<uint8_t>(c) >> bit)) & 1) != 0;
      crc = (crc >> 1) ^ (low ? 0x82f63b78 : 0);
    }
  }
  return ~crc;
}

template <class T>
T take(std::string_view& bytes) {
  T value;
  EXPECT_GE(bytes.size(), sizeof(T));
  std::memcpy(&value, bytes.data(), sizeof(T));
  bytes.remove_prefix(sizeof(T));
  return value;
}

inline uint64_t take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = take<uint8_t>(bytes);
    value |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) return value;
  }
}

// The fields of a message as they stand there, by number.
inline std::map<uint64_t, std::string> fields_of(std::string_view message) {
  std::map<uint64_t, std::string> fields;
  while (!message.empty()) {
    const uint64_t key = take_varint(message);
    const uint64_t wire = key & 7;
    std::string& field = fields[key >> 3];
    if (wire == 0) {
      field = std::to_string(take_varint(message));
      continue;
    }
    const size_t size = wire == 1 ? 8 : wire == 5 ? 4 : take_varint(message);
    field = message.substr(0, size);
    message.remove_prefix(size);
  }
  return fields;
}

// The messages of a file of records, whose checksums must fit.
inline std::vector<std::string> records_of(const std::filesystem::path& path) {
  const std::string content = read_text(path);
  std::string_view rest = content;
  const auto expect_masked = [](uint32_t masked, std::string_view bytes) {
    EXPECT_EQ(std::rotl(masked - 0xa282ead8, 15), plain_crc(bytes));
  };
  std::vector<std::string> records;
  while (!rest.empty()) {
    const std::string_view length = rest.substr(0, 8);
    const auto size = take<uint64_t>(rest);
    expect_masked(take<uint32_t>(rest), length);
    records.emplace_back(rest.substr(0, size));
    rest.remove_prefix(size);
    expect_masked(take<uint32_t>(rest), records.back());
  }
  return records;
}

template <class T>
T bytes_as(const std::string& bytes) {
  std::string_view view = bytes;
  return take<T>(view);
}

// What a file's events say, after the one that begins it.
struct ReadEvent {
  int64_t step = 0;
  double wall_time = 0;
  bool is_start = false;  // of a sitting, else a scalar
  std::string tag = {};
  float value = 0;
};

inline std::vector<ReadEvent> read_events(const std::filesystem::path& path) {
  const std::vector<std::string> records = records_of(path);
  EXPECT_FALSE(records.empty());
  EXPECT_EQ(fields_of(records.at(0))[3], "brain.Event:2");
  std::vector<ReadEvent> events;
  for (size_t i = 1; i < records.size(); ++i) {
    auto fields = fields_of(records[i]);
    ReadEvent& event = events.emplace_back();
    event.wall_time = bytes_as<double>(fields[1]);
    event.step = std::stoll(fields[2]);
    event.is_start = fields_of(fields[7])[1] == "1";
    if (event.is_start) continue;
    auto value = fields_of(fields_of(fields[5])[1]);
    event.tag = value[1];
    event.value = bytes_as<float>(value[2]);
  }
  return events;
}

}  // namespace fovea
