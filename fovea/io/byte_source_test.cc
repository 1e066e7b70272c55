#include "fovea/io/byte_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <limits>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

std::string read(const ByteSource& bytes, int64_t offset, size_t count) {
  std::string text(count, '.');
  text.resize(bytes.read(offset, std::as_writable_bytes(std::span(text))));
  return text;
}

TEST(ByteSource, GivesPartsOfFilesAndMemory) {
  const TemporaryFolder folder;
  const std::string text = "0123456789";
  write_file(folder / "a", text);
  for (const SharedBytes& bytes :
       {open_bytes(folder / "a"), bytes_in_memory(as_bytes(text), "a")}) {
    EXPECT_EQ(bytes->size(), 10);
    EXPECT_EQ(read(*bytes, 0, 4), "0123");
    EXPECT_EQ(read(*bytes, 8, 4), "89");
    EXPECT_EQ(read(*bytes, 10, 4), "");
    EXPECT_EQ(read(*bytes, int64_t{1} << 40, 4), "");
    EXPECT_EQ(bytes->beginning(3).size(), 3U);
    EXPECT_EQ(bytes->beginning(30).size(), 10U);
  }
  EXPECT_EQ(open_bytes(folder / "a")->name(), (folder / "a").string());
}

TEST(ByteCursor, ReadsOnFromWhereItWent) {
  const std::string text = "0123456789";
  ByteCursor cursor(bytes_in_memory(as_bytes(text), "a"));
  std::array<std::byte, 4> room = {};
  EXPECT_EQ(cursor.read(room), 4U);
  EXPECT_EQ(cursor.at(), 4);
  EXPECT_EQ(cursor.seek(-3, SEEK_CUR), 1);
  EXPECT_EQ(cursor.seek(-2, SEEK_END), 8);
  EXPECT_EQ(cursor.read(room), 2U);
  EXPECT_EQ(room[1], std::byte{'9'});
  EXPECT_EQ(cursor.seek(5, SEEK_END), 15) << "behind the end";
  EXPECT_EQ(cursor.read(room), 0U);
  EXPECT_EQ(cursor.seek(-1, SEEK_SET), -1);
  EXPECT_EQ(cursor.seek(std::numeric_limits<int64_t>::max(), SEEK_CUR), -1);
  EXPECT_EQ(cursor.at(), 15) << "stays";
}

TEST(ByteSource, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  write_file(folder / "empty", "");
  EXPECT_THAT(error_of([&] { open_bytes(folder / "empty"); }), HasSubstr("empty: is empty"));
  EXPECT_THAT(error_of([&] { open_bytes(folder / "none"); }), HasSubstr("cannot be opened"));
  EXPECT_THAT(error_of([&] { open_bytes(folder.path()); }), HasSubstr("is a folder"));
}

}  // namespace
}  // namespace fovea
