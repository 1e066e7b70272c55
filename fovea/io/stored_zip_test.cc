// Zips as torch.save writes them, and whatever is wrong with one refused by one line.
#include "fovea/io/stored_zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/io/pth_testing.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;

const ZipRecords kTwo = {{"x/a", "first"}, {"x/b", "second"}};

std::string text(const StoredZip& zip, const std::string& record) {
  const auto bytes = zip.read(record);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What is wrong with a zip, or with one of its records.
std::string error(const std::string& bytes) {
  return error_of([&] {
    const StoredZip zip = StoredZip::parse(as_bytes(bytes), "m.pth");
    for (const auto& [record, _] : zip.records()) zip.read(record);
  });
}

// The bytes with a number of so many bytes at a place behind the last signature of a kind.
std::string with(std::string zip, uint32_t signature, size_t at, uint64_t value, size_t bytes) {
  const size_t found = zip.rfind(little(signature, 4));
  return zip.replace(found + at, bytes, little(value, bytes));
}
constexpr uint32_t kLocal = 0x04034b50, kEntry = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                   kLocator64 = 0x07064b50;

TEST(StoredZip, GivesRecordsWhereTheyLie) {
  const std::string comment(0xFFFF, 'c');
  for (const ZipOptions& options :
       {ZipOptions{}, ZipOptions{.is_64 = true}, ZipOptions{.comment = "some"},
        ZipOptions{.is_64 = true, .comment = comment},
        // A comment that looks like another end.
        ZipOptions{.comment = little(kEnd, 4) + std::string(18, '\0') + "more"}}) {
    const std::string bytes = zip_of(kTwo, options);
    const StoredZip zip = StoredZip::parse(as_bytes(bytes), "m.pth");
    EXPECT_EQ(zip.records().size(), 2);
    EXPECT_EQ(text(zip, "x/a"), "first");
    EXPECT_EQ(text(zip, "x/b"), "second");
    EXPECT_EQ(zip.read("x/a").data(), as_bytes(bytes).data() + bytes.find("first"));
  }
  EXPECT_TRUE(StoredZip::parse(as_bytes(zip_of({})), "m.pth").records().empty());
}

TEST(StoredZip, HasNoOtherRecords) {
  const std::string bytes = zip_of(kTwo);
  const StoredZip zip = StoredZip::parse(as_bytes(bytes), "m.pth");
  EXPECT_EQ(error_of([&] { zip.read("x/c"); }), "m.pth: has no record x/c");
  EXPECT_EQ(error(zip_of({{"x/a", "1"}, {"x/a", "2"}})), "m.pth: has the record x/a twice");
}

TEST(StoredZip, MustBeStoredAsItIs) {
  EXPECT_EQ(error(zip_of(kTwo, {.method = 8})),
            "m.pth: record x/a is compressed; expected it stored as it is, as torch.save does");
  EXPECT_THAT(error(with(zip_of(kTwo), kEntry, 8, 9, 2)), HasSubstr("record x/b is encrypted"));
  EXPECT_EQ(error(with(zip_of(kTwo), kEntry, 24, 7, 4)),
            "m.pth: record x/b has 6 bytes for 7; expected as many");
}

TEST(StoredZip, IsCutNowhere) {
  for (const bool is_64 : {false, true}) {
    const std::string whole = zip_of(kTwo, {.is_64 = is_64});
    for (size_t size = 0; size < whole.size(); ++size) {
      EXPECT_NE(error(whole.substr(0, size)), "") << size;
      EXPECT_NE(error(whole.substr(whole.size() - size)), "") << size;
    }
  }
  EXPECT_EQ(error(zip_of(kTwo).substr(0, 60)),
            "m.pth: has no zip directory at its end; is the file truncated?");
}

TEST(StoredZip, HasNumbersThatFit) {
  const std::string zip = zip_of(kTwo);
  const std::string zip64 = zip_of(kTwo, {.is_64 = true});
  const std::string outside =
      "m.pth: its zip directory lies outside the file; is the file truncated?";
  EXPECT_EQ(error(with(zip, kEnd, 16, zip.size(), 4)), outside);
  EXPECT_EQ(error(with(zip, kEnd, 12, zip.size(), 4)), outside);
  EXPECT_EQ(error(with(zip64, kEnd64, 48, UINT64_MAX, 8)), outside);
  EXPECT_EQ(error(with(zip64, kEnd64, 40, UINT64_MAX, 8)), outside);
  EXPECT_EQ(error(with(zip64, kLocator64, 8, UINT64_MAX - 8, 8)),
            "m.pth: its zip64 directory is not where it should be; is the file truncated?");
  EXPECT_EQ(error(with(zip, kEnd, 10, 3, 2)), "m.pth: its zip directory ends within entry 3 of 3");
  EXPECT_THAT(error(with(zip64, kEnd64, 32, UINT64_MAX, 8)), HasSubstr("ends within entry 3 of "));
  EXPECT_THAT(error(with(zip, kEntry, 28, 0xFFFF, 2)), HasSubstr("ends within entry 2 of 2"));
  EXPECT_THAT(error(with(zip, kEntry, 42, 1, 4)),
              HasSubstr("record x/b is not where the zip directory has it"));
  EXPECT_THAT(error(with(zip, kLocal, 28, 0xFFFF, 2)),
              HasSubstr("record x/b has 6 bytes, of which only 0 are there"));
  const std::string larger = with(with(zip, kEntry, 20, 1000, 4), kEntry, 24, 1000, 4);
  EXPECT_THAT(error(larger), HasSubstr("record x/b has 1000 bytes, of which only 6 are there"));
  // A size that 32 bits have no room for, and no place that has it.
  EXPECT_EQ(error(with(zip, kEntry, 24, 0xFFFFFFFF, 4)),
            "m.pth: its zip directory lacks sizes of 64 bits");
  EXPECT_THAT(error(with(zip64, kEntry, 46 + 3 + 4, UINT64_MAX, 8)),
              HasSubstr("record x/b has 6 bytes for 18446744073709551615"));
}

}  // namespace
}  // namespace fovea
