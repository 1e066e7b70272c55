#include "fovea/train/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <map>
#include <string_view>
#include <vector>

#include "fovea/io/file.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;

// CRC-32C by its definition, one bit at a time.
uint32_t plain_crc(std::string_view bytes) {
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

uint64_t take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = take<uint8_t>(bytes);
    value |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) return value;
  }
}

// The fields of a message as they stand there, by number.
std::map<uint64_t, std::string> fields_of(std::string_view message) {
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
std::vector<std::string> records_of(const std::filesystem::path& path) {
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
T as(const std::string& bytes) {
  std::string_view view = bytes;
  return take<T>(view);
}

TEST(EventFile, HoldsWhatWasAdded) {
  EXPECT_EQ(plain_crc("123456789"), 0xe3069283) << "the check value of CRC-32C";
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "events.out.tfevents.1";
  EventFile events(path);
  events.scalar("loss/train", 0, 2.5);
  events.scalar("accuracy", 5'000'000'000, -0.125);
  const std::vector<std::string> records = records_of(path);  // while it is being written
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(fields_of(records[0])[3], "brain.Event:2");
  const auto scalar = [&](int record) {
    return fields_of(fields_of(fields_of(records[record])[5])[1]);
  };
  EXPECT_EQ(fields_of(records[1])[2], "0");
  EXPECT_EQ(scalar(1)[1], "loss/train");
  EXPECT_EQ(as<float>(scalar(1)[2]), 2.5F);
  EXPECT_EQ(fields_of(records[2])[2], "5000000000");
  EXPECT_EQ(scalar(2)[1], "accuracy");
  EXPECT_EQ(as<float>(scalar(2)[2]), -0.125F);
  const double first = as<double>(fields_of(records[0])[1]);
  EXPECT_GT(first, 1.7e9) << "seconds since 1970";
  EXPECT_GE(as<double>(fields_of(records[2])[1]), first);
}

TEST(EventFile, NamesTheFileThatCannotBeWritten) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { EventFile(folder / "none/events.out.tfevents.1"); }),
              HasSubstr("none/events.out.tfevents.1: can't be written"));
}

}  // namespace
}  // namespace fovea
