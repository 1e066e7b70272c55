// Which pictures are found, in which order, and what is said of folders that can't be read.
#include "fovea/data/folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FolderTest : public ::testing::Test {
 protected:
  void touch(const std::string& name) {
    fs::create_directories((folder_ / name).parent_path());
    write_file(folder_ / name, "");
  }
  // What is listed for paths in the folder, relative to it.
  std::vector<std::string> list(const std::vector<std::string>& names,
                                Medium medium = Medium::picture) {
    std::vector<fs::path> paths;
    for (const std::string& name : names) paths.push_back(folder_ / name);
    std::vector<std::string> found;
    left_out_ = {};
    for (const fs::path& path : list_media(paths, medium, left_out_)) {
      found.push_back(path.lexically_relative(folder_.path()).string());
    }
    return found;
  }
  std::string error(const std::string& name) {
    return error_of([&] { list({name}); });
  }

  TemporaryFolder folder_;
  LeftOut left_out_;  // of what was listed last
};

TEST_F(FolderTest, IsListedByBytesOfThePathHoweverDeep) {
  for (const char* name : {"p/b.jpg", "p/B.jpg", "p/a/x.png", "p/a-b/x.jpeg", "p/a/deep/er/y.jpg",
                           "p/a.jpg", "p/\xc3\xa4.jpg"}) {
    touch(name);
  }
  EXPECT_THAT(list({"p"}), ElementsAre("p/B.jpg", "p/a-b/x.jpeg", "p/a.jpg", "p/a/deep/er/y.jpg",
                                       "p/a/x.png", "p/b.jpg", "p/\xc3\xa4.jpg"));
}

TEST_F(FolderTest, GivesOnlyPictures) {
  for (const char* name :
       {"p/a.JPG", "p/b.Jpeg", "p/c.pNg", "p/d.txt", "p/e.jpg.txt", "p/f", "p/g.gif", "p/.jpg"}) {
    touch(name);
  }
  fs::create_directories(folder_ / "p/folder.jpg");
  EXPECT_THAT(list({"p"}), ElementsAre("p/a.JPG", "p/b.Jpeg", "p/c.pNg"));
  EXPECT_EQ(to_string(left_out_),
            "4 files of other kinds: 2 .txt, 1 without an ending, 1 .gif; 1 hidden");
}

TEST_F(FolderTest, PassesOverWhatIsHiddenUnlessItIsNamed) {
  for (const char* name : {"p/a.jpg", "p/.b.jpg", "p/._a.jpg", "p/.ipynb_checkpoints/a.jpg",
                           "p/@eaDir/a.jpg/SYNO_a.jpg", "p/sub/__MACOSX/a.jpg"}) {
    touch(name);
  }
  EXPECT_THAT(list({"p"}), ElementsAre("p/a.jpg"));
  EXPECT_EQ(to_string(left_out_), "5 hidden");
  EXPECT_THAT(list({"p/.b.jpg", "p/.ipynb_checkpoints"}),
              ElementsAre("p/.b.jpg", "p/.ipynb_checkpoints/a.jpg"));
}

TEST_F(FolderTest, TakesFilesByAnyNameAndKeepsTheOrderOfPaths) {
  for (const char* name : {"z.dat", "p/b.jpg", "p/a.jpg", "a.png"}) touch(name);
  EXPECT_THAT(list({"z.dat", "p", "a.png", "z.dat"}),
              ElementsAre("z.dat", "p/a.jpg", "p/b.jpg", "a.png", "z.dat"));
  EXPECT_THAT(list({}), IsEmpty());
}

TEST_F(FolderTest, FollowsLinksButNotInCircles) {
  touch("p/a.jpg");
  touch("q/b.jpg");
  fs::create_directory_symlink(folder_ / "p", folder_ / "p/circle");
  fs::create_directory_symlink(folder_ / "q", folder_ / "p/more");
  fs::create_directory_symlink(folder_ / "p", folder_ / "q/back");
  fs::create_symlink(folder_ / "q/b.jpg", folder_ / "p/link.jpg");
  fs::create_symlink("self.jpg", folder_ / "p/self.jpg");
  // What a link without an end holds is said when it is read.
  EXPECT_THAT(list({"p"}), ElementsAre("p/a.jpg", "p/link.jpg", "p/more/b.jpg", "p/self.jpg"));
  fs::create_directory_symlink("q", folder_ / "link");
  EXPECT_THAT(list({"link"}), ElementsAre("link/b.jpg", "link/back/a.jpg", "link/back/link.jpg",
                                          "link/back/self.jpg"));
  EXPECT_THAT(error("p/self.jpg"), HasSubstr("/p/self.jpg: can't be read: "));
}

TEST_F(FolderTest, NamesWhatIsNotThere) {
  EXPECT_EQ(error("none"), (folder_ / "none").string() + ": no such file or folder");
  touch("a.jpg");
  EXPECT_THAT(error("a.jpg/b.jpg"), HasSubstr("a.jpg/b.jpg: no such file or folder"));
}

TEST_F(FolderTest, NamesTheFolderWithoutPictures) {
  touch("p/sub/a.txt");
  EXPECT_EQ(error("p"), (folder_ / "p").string() +
                            ": no .jpg, .jpeg, .png, .webp, .tif, .tiff, .heic, .heif or .avif in "
                            "this folder, but 1 file of other kinds: 1 .txt");
}

// Permissions don't bind root, so as root this is done as somebody else.
TEST_F(FolderTest, NamesTheFolderThatMayNotBeRead) {
  touch("p/a.jpg");
  touch("p/sub/b.jpg");
  fs::permissions(folder_.path(), fs::perms::all);
  fs::permissions(folder_ / "p/sub", fs::perms::none);
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const std::string below = error("p");
  const std::string itself = error("p/sub");
  if (is_root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  fs::permissions(folder_ / "p/sub", fs::perms::owner_all);
  EXPECT_THAT(below, AllOf(HasSubstr("/p/sub: the folder can't be read: "),
                           HasSubstr("Permission denied")));
  EXPECT_EQ(itself, below);
}

TEST_F(FolderTest, GivesVideosAndFoldersOfPicturesAsClips) {
  for (const char* name :
       {"p/a.mp4", "p/b.MOV", "p/cover.jpg", "p/clip/1.png", "p/clip/2.png", "p/clip/.DS_Store",
        "p/clip/deeper/c.webm", "p/none/notes.txt", "p/sound.wav"}) {
    touch(name);
  }
  EXPECT_THAT(list({"p"}, Medium::video),
              ElementsAre("p/a.mp4", "p/b.MOV", "p/clip", "p/clip/deeper/c.webm"));
  EXPECT_EQ(to_string(left_out_), "3 files of other kinds: 1 .jpg, 1 .txt, 1 .wav; 1 hidden");
  EXPECT_THAT(list({"p/clip", "p/sound.wav"}, Medium::video),
              ElementsAre("p/clip", "p/clip/deeper/c.webm", "p/sound.wav"));
  EXPECT_THAT(error_of([&] { list({"p/none"}, Medium::video); }), HasSubstr("no .mp4, "));
  EXPECT_THAT(pictures_right_in(folder_ / "p/clip"),
              ElementsAre(folder_ / "p/clip/1.png", folder_ / "p/clip/2.png"));
}

TEST_F(FolderTest, GivesSounds) {
  for (const char* name : {"p/a.wav", "p/b.FLAC", "p/c.m4a", "p/d.mp4", "p/e.png"}) touch(name);
  EXPECT_THAT(list({"p"}, Medium::sound), ElementsAre("p/a.wav", "p/b.FLAC", "p/c.m4a"));
  EXPECT_TRUE(is_of("x.OGG", Medium::sound));
  EXPECT_FALSE(is_of("x.ogg", Medium::picture));
}

}  // namespace
}  // namespace fovea
