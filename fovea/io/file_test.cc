// Files: what is refused, and that no failure leaves half a file.
#include "fovea/io/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <optional>
#include <stdexcept>

#include "fovea/io/replacement.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Writes `content` and returns the error's message.
std::string write(const fs::path& path, const std::string& content) {
  return error_of([&] { write_atomically(path, [&](std::ostream& out) { out << content; }); });
}

// Limits the size of files that this process writes, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    std::signal(SIGXFSZ, handler_);
    ::setrlimit(RLIMIT_FSIZE, &before_);
  }

 private:
  rlimit before_ = {};
  void (*handler_)(int) = nullptr;
};

TEST(MappedFile, MapsAllBytesAndOutlivesTheName) {
  const TemporaryFolder folder;
  write_file(folder / "a", "some bytes");
  std::optional<MappedFile> first = MappedFile::open(folder / "a");
  const MappedFile copy = *first;
  first.reset();
  fs::remove(folder / "a");
  ASSERT_EQ(copy.bytes().size(), 10U);
  EXPECT_EQ(static_cast<char>(copy.bytes()[5]), 'b');
  EXPECT_EQ(copy.path(), folder / "a");
}

// Bytes of this process that are in memory.
int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  file >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

TEST(MappedFile, WhatItLetsGoIsReadAnew) {
  constexpr int64_t kSize = int64_t{16} << 20;
  const TemporaryFolder folder;
  write_file(folder / "a", std::string(kSize, 'x'));
  const MappedFile file = MappedFile::open(folder / "a");
  const auto count = [&] { return std::ranges::count(file.bytes(), std::byte{'x'}); };
  EXPECT_EQ(count(), kSize);
  const int64_t before = resident_bytes();
  file.let_go();
  EXPECT_LT(resident_bytes(), before - kSize / 2);
  EXPECT_EQ(count(), kSize);
}

TEST(MappedFile, RefusesWhatIsNotAFile) {
  const TemporaryFolder folder;
  write_file(folder / "empty", "");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const auto error = [](const fs::path& path) { return error_of([&] { MappedFile::open(path); }); };
  EXPECT_EQ(error(folder / "none"),
            (folder / "none").string() + ": cannot be opened: No such file or directory");
  EXPECT_EQ(error(folder.path()), folder.path().string() + ": is a folder; expected a file");
  EXPECT_EQ(error(folder / "empty"), (folder / "empty").string() + ": is empty");
  EXPECT_THAT(error(folder / "pipe"), HasSubstr("is not a regular file"));
  EXPECT_THAT(error("/dev/zero"), HasSubstr("is not a regular file"));
  EXPECT_THAT(error(folder / "empty/below"), HasSubstr("Not a directory"));
}

TEST(MappedFile, RefusesAnUnreadableFile) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TemporaryFolder folder;
  write_file(folder / "secret", "x");
  fs::permissions(folder / "secret", fs::perms::none);
  EXPECT_THAT(error_of([&] { MappedFile::open(folder / "secret"); }),
              HasSubstr("secret: cannot be opened: Permission denied"));
}

TEST(ReadText, ReadsWholeFiles) {
  const TemporaryFolder folder;
  const std::string text(100000, 'x');
  write_file(folder / "text", text);
  write_file(folder / "empty", "");
  EXPECT_EQ(read_text(folder / "text"), text);
  EXPECT_EQ(read_text(folder / "text", text.size()), text);
  EXPECT_EQ(read_text(folder / "empty"), "");
  EXPECT_THAT(read_text("/proc/self/status"), HasSubstr("Name:"));
}

TEST(ReadText, RefusesTooLargeAndMissing) {
  const TemporaryFolder folder;
  write_file(folder / "text", "12345");
  EXPECT_THAT(error_of([&] { read_text(folder / "text", 4); }),
              HasSubstr("text: is larger than 4 bytes"));
  EXPECT_THAT(error_of([&] { read_text("/proc/self/status", 4); }),
              HasSubstr("is larger than 4 bytes"));
  EXPECT_THAT(error_of([&] { read_text(folder / "none"); }), HasSubstr("No such file"));
}

TEST(WriteAtomically, WritesAndReplaces) {
  const TemporaryFolder folder;
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(write(folder / "a", "first"), "");
  EXPECT_EQ(read_text(folder / "a"), "first");
  EXPECT_EQ(write(folder / "a", large), "");
  EXPECT_EQ(read_text(folder / "a"), large);
  EXPECT_EQ(write(folder / "a", ""), "");
  EXPECT_EQ(read_text(folder / "a"), "");
  EXPECT_EQ(folder.count(), 1U);
}

TEST(WriteAtomically, MixesSmallAndLargePiecesInOrder) {
  const TemporaryFolder folder;
  std::string expected;
  write_atomically(folder / "a", [&](std::ostream& out) {
    for (size_t i = 0; i < 40; ++i) {
      const std::string piece(i * i * i * 3, static_cast<char>('a' + i % 26));
      out << piece << i << '\n';
      expected += piece + std::to_string(i) + '\n';
    }
  });
  EXPECT_EQ(read_text(folder / "a"), expected);
}

TEST(WriteAtomically, GivesTheUsualPermissions) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  EXPECT_EQ(write(folder / "a", "x"), "");
  ::umask(before);
  EXPECT_EQ(fs::status(folder / "a").permissions(), fs::perms(0640));
}

TEST(WriteAtomically, WritesToARelativeName) {
  const TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  EXPECT_EQ(write("a", "x"), "");
  fs::current_path(before);
  EXPECT_EQ(read_text(folder / "a"), "x");
}

TEST(WriteAtomically, TakesTheLongestName) {
  const TemporaryFolder folder;
  EXPECT_EQ(write(folder / std::string(255, 'n'), "x"), "");
  EXPECT_THAT(write(folder / std::string(256, 'n'), "x"), HasSubstr("File name too long"));
  EXPECT_EQ(folder.count(), 1U);
}

TEST(WriteAtomically, ExceptionLeavesEverythingAsItWas) {
  const TemporaryFolder folder;
  write_file(folder / "a", "before");
  EXPECT_THROW(write_atomically(folder / "a",
                                [](std::ostream& out) {
                                  out << std::string(1 << 20, 'x');
                                  throw std::runtime_error("midway");
                                }),
               std::runtime_error);
  EXPECT_EQ(read_text(folder / "a"), "before");
  EXPECT_EQ(folder.count(), 1U);
}

TEST(WriteAtomically, StreamSetToFailedIsAnError) {
  const TemporaryFolder folder;
  const std::string message = error_of([&] {
    write_atomically(folder / "a", [](std::ostream& out) { out.setstate(std::ios::failbit); });
  });
  EXPECT_THAT(message, HasSubstr("a: cannot be written: the stream failed"));
  EXPECT_EQ(folder.count(), 0U);
}

TEST(WriteAtomically, NoSpaceLeavesEverythingAsItWas) {
  const TemporaryFolder folder;
  write_file(folder / "a", "before");
  std::string large_message;
  std::string small_pieces_message;
  {
    const FileSizeLimit limit(4096);
    large_message = write(folder / "a", std::string(1 << 20, 'x'));
    small_pieces_message = error_of([&] {
      write_atomically(folder / "b", [](std::ostream& out) {
        for (int i = 0; i < 5000; ++i) out << "x\n";
      });
    });
  }
  EXPECT_EQ(large_message, (folder / "a").string() + ": cannot be written: File too large");
  EXPECT_THAT(small_pieces_message, HasSubstr("b: cannot be written: File too large"));
  EXPECT_EQ(read_text(folder / "a"), "before");
  EXPECT_EQ(folder.count(), 1U);
}

TEST(WriteAtomically, RemovesWhatAKilledProcessLeftButNotWhatALiveOneWrites) {
  const TemporaryFolder folder;
  const fs::path left = folder / ".fovea-0123456789abcdef.tmp";
  const fs::path in_use = folder / ".fovea-fedcba9876543210.tmp";
  for (const fs::path& file : {left, in_use, folder / ".fovea-other"}) write_file(file, "half");
  const int held = ::open(in_use.c_str(), O_RDONLY);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  EXPECT_EQ(write(folder / "a", "x"), "");
  ::close(held);
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(in_use));
  EXPECT_EQ(folder.count(), 3U);
}

TEST(WriteAtomically, SeveralFilesTakeTheirPlacesOrNone) {
  const TemporaryFolder folder;
  const auto text = [](const char* content) {
    return [content](std::ostream& out) { out << content; };
  };
  write_file(folder / "a", "before");
  Replacement a(folder / "a", text("after")), b(folder / "b", text("after")),
      c(folder / "c", text("after"));
  fs::create_directory(folder / "c");  // can't be replaced by a file
  EXPECT_THAT(error_of([&] { Replacement::take_places({&a, &b, &c}); }), HasSubstr("c: cannot be"));
  EXPECT_EQ(read_text(folder / "a"), "before");
  EXPECT_FALSE(fs::exists(folder / "b"));
  EXPECT_TRUE(fs::is_directory(folder / "c"));
  fs::remove(folder / "c");
  Replacement again(folder / "a", text("after"));
  Replacement::take_places({&again, &c});
  EXPECT_EQ(read_text(folder / "a") + read_text(folder / "c"), "afterafter");
  EXPECT_EQ(folder.count(), 2U);
}

TEST(WriteAtomically, DevicesAreWrittenDirectly) {
  EXPECT_EQ(write("/dev/null", "x"), "");
  EXPECT_EQ(write("/dev/full", "x"), "/dev/full: cannot be written: No space left on device");
  EXPECT_EQ(write("/dev/full", std::string(1 << 20, 'x')),
            "/dev/full: cannot be written: No space left on device");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(WriteAtomically, PipesAreWrittenDirectly) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_EQ(write("/dev/fd/" + std::to_string(ends[1]), "through"), "");
  char text[8] = {};
  EXPECT_EQ(::read(ends[0], text, 7), 7);
  EXPECT_STREQ(text, "through");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(WriteAtomically, RedirectedOutputKeepsWhatIsThere) {
  const TemporaryFolder folder;
  write_file(folder / "a", "before ");
  const int fd = ::open((folder / "a").c_str(), O_WRONLY | O_APPEND);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(write("/dev/fd/" + std::to_string(fd), "after"), "");
  ::close(fd);
  EXPECT_EQ(read_text(folder / "a"), "before after");
  EXPECT_EQ(folder.count(), 1U);
}

TEST(WriteAtomically, FollowsSymbolicLinks) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "real");
  write_file(folder / "real/a", "before");
  fs::create_symlink("real/a", folder / "relative");
  fs::create_symlink(folder / "relative", folder / "twice");
  fs::create_symlink("real/new", folder / "dangling");
  EXPECT_EQ(write(folder / "twice", "after"), "");
  EXPECT_EQ(write(folder / "dangling", "new"), "");
  EXPECT_TRUE(fs::is_symlink(folder / "twice"));
  EXPECT_TRUE(fs::is_symlink(folder / "relative"));
  EXPECT_TRUE(fs::is_symlink(folder / "dangling"));
  EXPECT_EQ(read_text(folder / "real/a"), "after");
  EXPECT_EQ(read_text(folder / "real/new"), "new");
}

TEST(WriteAtomically, RefusesACircleOfLinks) {
  const TemporaryFolder folder;
  fs::create_symlink("b", folder / "a");
  fs::create_symlink("a", folder / "b");
  EXPECT_THAT(write(folder / "a", "x"), HasSubstr("Too many levels of symbolic links"));
  EXPECT_EQ(folder.count(), 2U);
}

TEST(WriteAtomically, RefusesFoldersAndMissingFolders) {
  const TemporaryFolder folder;
  write_file(folder / "file", "x");
  EXPECT_EQ(write(folder.path(), "x"),
            folder.path().string() + ": cannot be written: it is a folder");
  EXPECT_EQ(write(folder / "none/a", "x"),
            (folder / "none/a").string() +
                ": cannot be written: no such folder: " + (folder / "none").string());
  EXPECT_THAT(write(folder / "file/a", "x"), HasSubstr("Not a directory"));
  EXPECT_THAT(write(folder / "new/", "x"), HasSubstr("expected the name of a file"));
  EXPECT_THAT(write("", "x"), StartsWith(": cannot be written"));
  EXPECT_EQ(folder.count(), 1U);
}

TEST(WriteAtomically, RefusesWithoutPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const TemporaryFolder folder;
  write_file(folder / "kept", "before");
  fs::permissions(folder / "kept", fs::perms::owner_read);
  EXPECT_THAT(write(folder / "kept", "x"), HasSubstr("kept: cannot be written: Permission denied"));
  EXPECT_EQ(read_text(folder / "kept"), "before");
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THAT(write(folder / "new", "x"), HasSubstr("new: cannot be written: Permission denied"));
  fs::permissions(folder.path(), fs::perms::owner_all);
  EXPECT_EQ(folder.count(), 1U);
}

}  // namespace
}  // namespace fovea
