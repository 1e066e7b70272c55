// Zip files that claim more than they hold.
#include "fovea/io/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>

#include "fovea/data/testing.h"
#include "fovea/io/file.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;

long peak_kilobytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// Says in the list of entries, at the end of the file, that the only one unpacks to so many bytes.
void claim(const std::filesystem::path& path, uint32_t bytes) {
  std::string file = read_text(path);
  const size_t entry = file.find("PK\1\2");
  for (int i = 0; i < 4; ++i) file[entry + 24 + i] = static_cast<char>(bytes >> 8 * i);
  write_file(path, file);
}

TEST(ZipFile, TakesNoMemoryForWhatAnEntryOnlyClaims) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "claims.zip";
  write_zip(path, {{"a.png", std::string(5000, 'a')}});
  EXPECT_EQ(ZipFile(path).read(0).size(), 5000U);
  claim(path, 400U << 20);
  const long before = peak_kilobytes();
  EXPECT_THAT(error_of([&] { ZipFile(path).read(0); }), HasSubstr("claims.zip: a.png: broken"));
  EXPECT_LT(peak_kilobytes() - before, 100 << 10);
}

TEST(ZipFile, ReadsEntriesOfManyPiecesAndOfNone) {
  const TemporaryFolder folder;
  const std::string large(3'000'001, 'b');
  write_zip(folder / "a.zip", {{"empty", ""}, {"large", large}});
  const ZipFile zip(folder / "a.zip");
  EXPECT_TRUE(zip.read(0).empty());
  const std::vector<std::byte> bytes = zip.read(1);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), large);
}

}  // namespace
}  // namespace fovea
