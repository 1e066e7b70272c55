#include "fovea/data/labelled.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ListLabelled : public testing::Test {
 protected:
  void put(const std::string& file) const {
    const std::filesystem::path path = folder_ / file;
    std::filesystem::create_directories(path.parent_path());
    write_file(path, "");
  }
  std::string error() const {
    return error_of([&] { list_labelled(folder_ / "set"); });
  }
  TemporaryFolder folder_;
};

TEST_F(ListLabelled, TakesClassesInOrderAndPicturesAsDeepAsTheyLie) {
  for (const char* file : {"set/dog/b.PNG", "set/cat/deep/a.jpg", "set/cat/z.jpeg", "set/dog/a.txt",
                           "set/readme.txt"}) {
    put(file);
  }
  const auto found = list_labelled(folder_ / "set");
  EXPECT_THAT(found.classes, ElementsAre("cat", "dog"));
  EXPECT_THAT(found.labels, ElementsAre(0, 0, 1));
  EXPECT_THAT(found.files, ElementsAre(folder_ / "set/cat/deep/a.jpg", folder_ / "set/cat/z.jpeg",
                                       folder_ / "set/dog/b.PNG"));
}

TEST_F(ListLabelled, RefusesFoldersWithoutClasses) {
  EXPECT_THAT(error(), HasSubstr("set: no such folder"));
  put("set/readme.txt");
  EXPECT_THAT(error(), HasSubstr("set: no folders in it"));
  put("set/cat/a.jpg");
  EXPECT_THAT(error(), HasSubstr("set: one class only, cat"));
  put("set/dog/a.txt");
  EXPECT_THAT(
      error(),
      HasSubstr(
          "dog: no .jpg, .jpeg, .png, .webp, .tif, .tiff, .heic, .heif or .avif in this folder"));
  put("set/dog/a.jpg");
  EXPECT_EQ(list_labelled(folder_ / "set").files.size(), 2U);
  put("set/c.jpg");
  EXPECT_THAT(error(), HasSubstr("c.jpg: lies beside 2 class folders"));
}

}  // namespace
}  // namespace fovea
