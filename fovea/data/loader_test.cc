// Batches come in order and whole, whatever is wrong with some pictures and however many threads
// there are.
#include "fovea/data/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fovea/data/preprocess.h"
#include "fovea/io/testing.h"
#include "tests/paths.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const fs::path kFolder = test_data() / "goldens-pictures";
const fs::path kFirst = kFolder / "baseline-444.jpg";
const fs::path kSecond = kFolder / "rgb-8.png";
const fs::path kMissing = kFolder / "none.jpg";

std::shared_ptr<const PictureSource> files(std::vector<fs::path> paths) {
  return std::make_shared<MediaFiles>(std::move(paths));
}

Preprocessing small() {
  Preprocessing spec;
  spec.height = 14;
  spec.width = 28;
  return spec;
}

std::vector<float> preprocessed(const fs::path& path) {
  std::vector<float> values(size_t{3} * 14 * 28);
  preprocess(read_image(path), small(), values, path.string());
  return values;
}

std::vector<size_t> failed(const PictureBatch& batch) {
  std::vector<size_t> indices;
  for (const PictureBatch::Failure& failure : batch.failures) indices.push_back(failure.index);
  return indices;
}

// Image i of a batch is the picture at that path.
void expect_image(const PictureBatch& batch, size_t i, const fs::path& path) {
  const std::vector<float> want = preprocessed(path);
  const auto from = batch.images.data.begin() + static_cast<std::ptrdiff_t>(i * want.size());
  EXPECT_EQ(std::vector<float>(from, from + static_cast<std::ptrdiff_t>(want.size())), want);
}

TEST(Loader, DeliversInOrderAndLeavesOutWhatCannotBeRead) {
  PictureLoader loader(files({kFirst, kMissing, kSecond, kMissing, kMissing, kMissing, kSecond}),
                       small(), 3, 2);
  auto batch = loader.next();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->images.shape, (Shape{2, 3, 14, 28}));
  EXPECT_THAT(batch->indices, ElementsAre(0, 2));
  expect_image(*batch, 0, kFirst);
  expect_image(*batch, 1, kSecond);
  EXPECT_THAT(failed(*batch), ElementsAre(1));
  EXPECT_THAT(batch->failures[0].message, HasSubstr(kMissing.string()));

  batch = loader.next();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->images.shape, (Shape{0, 3, 14, 28}));
  EXPECT_TRUE(batch->images.empty());
  EXPECT_THAT(batch->indices, IsEmpty());
  EXPECT_THAT(failed(*batch), ElementsAre(3, 4, 5));

  batch = loader.next();
  ASSERT_TRUE(batch);
  EXPECT_THAT(batch->indices, ElementsAre(6));
  expect_image(*batch, 0, kSecond);
  EXPECT_THAT(batch->failures, IsEmpty());

  EXPECT_FALSE(loader.next());
  EXPECT_FALSE(loader.next());
}

TEST(Loader, GivesTheSameWithAnyNumberOfThreads) {
  std::vector<fs::path> paths;
  for (int i = 0; i < 101; ++i) {
    paths.push_back(i % 7 == 3 ? kMissing : i % 2 == 0 ? kFirst : kSecond);
  }
  for (const int threads : {-1, 1, 2, 16}) {
    for (const int batch : {1, 4, 1000}) {
      PictureLoader loader(files(paths), small(), batch, threads);
      size_t next = 0;
      while (const auto pictures = loader.next()) {
        std::vector<size_t> indices = pictures->indices;
        indices.insert(indices.end(), pictures->failures.size(), 0);
        const size_t begin = next;
        next += indices.size();
        ASSERT_EQ(next, std::min(begin + batch, paths.size()));
        for (size_t i = 0; i < pictures->indices.size(); ++i) {
          expect_image(*pictures, i, paths[pictures->indices[i]]);
        }
        for (const size_t index : failed(*pictures)) EXPECT_EQ(index % 7, 3U);
      }
      EXPECT_EQ(next, paths.size());
    }
  }
}

TEST(Loader, HasNothingToGiveOfNothing) {
  PictureLoader loader(files({}), small(), 4, 2);
  EXPECT_FALSE(loader.next());
}

TEST(Loader, TakesAnyBatchSize) {
  PictureLoader loader(files({kFirst, kSecond}), small(), std::numeric_limits<int>::max(), 1);
  EXPECT_THAT(loader.next()->indices, ElementsAre(0, 1));
  PictureLoader none(files({kFirst, kSecond}), small(), 0, 1);
  EXPECT_THAT(none.next()->indices, ElementsAre(0));
}

// Pictures that only appear once the first batch is out are still found: nobody looked before.
TEST(Loader, StaysTwoBatchesAhead) {
  const TemporaryFolder folder;
  std::vector<fs::path> paths;
  for (int i = 0; i < 4; ++i) paths.push_back(folder / (std::to_string(i) + ".jpg"));
  fs::copy_file(kFirst, paths[0]);
  fs::copy_file(kFirst, paths[1]);
  PictureLoader loader(files(paths), small(), 1, 8);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  fs::copy_file(kFirst, paths[2]);
  fs::copy_file(kFirst, paths[3]);
  for (size_t i = 0; i < 4; ++i) EXPECT_THAT(loader.next()->indices, ElementsAre(i));
}

TEST(Loader, CanBeLeftAtAnyTime) {
  const std::vector<fs::path> paths(10'000, kFirst);
  for (int i = 0; i < 50; ++i) {
    PictureLoader loader(files(paths), small(), 2, 3);
    if (i % 2 == 1) loader.next();
    if (i % 3 == 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// The vector of such a picture can't be made: neither an Error nor a crash, but that picture's
// failure.
TEST(Loader, MakesFailuresOfAllExceptions) {
  Preprocessing spec;
  spec.height = std::numeric_limits<int>::max();
  spec.width = std::numeric_limits<int>::max();
  PictureLoader loader(files({kFirst, kSecond}), spec, 2, 2);
  const auto batch = loader.next();
  ASSERT_TRUE(batch);
  EXPECT_THAT(batch->indices, IsEmpty());
  ASSERT_THAT(failed(*batch), ElementsAre(0, 1));
  EXPECT_THAT(batch->failures[0].message, HasSubstr(kFirst.string() + ": "));
  EXPECT_THAT(batch->failures[1].message, HasSubstr(kSecond.string() + ": "));
  EXPECT_FALSE(loader.next());
}

}  // namespace
}  // namespace fovea
