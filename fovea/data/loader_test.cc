// Batches come in order and whole, whatever is wrong with some pictures and however many threads
// there are.
#include "fovea/data/loader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
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

std::shared_ptr<const MediaSource> files(std::vector<fs::path> paths) {
  return std::make_shared<MediaFiles>(std::move(paths));
}

InputSpec small() {
  InputSpec spec;
  spec.pictures.height = 14;
  spec.pictures.width = 28;
  return spec;
}

// Of all files.
class Loader : public InputLoader {
 public:
  Loader(const std::shared_ptr<const MediaSource>& source, const InputSpec& spec, int batch,
         int threads)
      : InputLoader(source, spec, {0, source->size()}, batch, threads) {}
};

std::vector<size_t> read(const InputBatch& batch) {
  std::vector<size_t> files;
  for (const InputBatch::Part& part : batch.parts) files.push_back(part.file);
  return files;
}

std::vector<float> preprocessed(const fs::path& path) {
  std::vector<float> values(size_t{3} * 14 * 28);
  preprocess(read_image(path), small().pictures, values, path.string());
  return values;
}

std::vector<size_t> failed(const InputBatch& batch) {
  std::vector<size_t> indices;
  for (const InputBatch::Failure& failure : batch.failures) indices.push_back(failure.file);
  return indices;
}

// Image i of a batch is the picture at that path.
void expect_image(const InputBatch& batch, size_t i, const fs::path& path) {
  const std::vector<float> want = preprocessed(path);
  const auto from = batch.inputs.data.begin() + static_cast<std::ptrdiff_t>(i * want.size());
  EXPECT_EQ(std::vector<float>(from, from + static_cast<std::ptrdiff_t>(want.size())), want);
}

TEST(InputLoader, DeliversInOrderAndLeavesOutWhatCannotBeRead) {
  Loader loader(files({kFirst, kMissing, kSecond, kMissing, kMissing, kMissing, kSecond}), small(),
                3, 2);
  auto batch = loader.next();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->inputs.shape, (Shape{2, 3, 14, 28}));
  EXPECT_THAT(read(*batch), ElementsAre(0, 2));
  expect_image(*batch, 0, kFirst);
  expect_image(*batch, 1, kSecond);
  EXPECT_THAT(failed(*batch), ElementsAre(1));
  EXPECT_THAT(batch->failures[0].message, HasSubstr(kMissing.string()));

  batch = loader.next();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->inputs.shape, (Shape{0, 3, 14, 28}));
  EXPECT_TRUE(batch->inputs.empty());
  EXPECT_THAT(read(*batch), IsEmpty());
  EXPECT_THAT(failed(*batch), ElementsAre(3, 4, 5));

  batch = loader.next();
  ASSERT_TRUE(batch);
  EXPECT_THAT(read(*batch), ElementsAre(6));
  expect_image(*batch, 0, kSecond);
  EXPECT_THAT(batch->failures, IsEmpty());

  EXPECT_FALSE(loader.next());
  EXPECT_FALSE(loader.next());
}

TEST(InputLoader, GivesTheSameWithAnyNumberOfThreads) {
  std::vector<fs::path> paths;
  for (int i = 0; i < 101; ++i) {
    paths.push_back(i % 7 == 3 ? kMissing : i % 2 == 0 ? kFirst : kSecond);
  }
  for (const int threads : {-1, 1, 2, 16}) {
    for (const int batch : {1, 4, 1000}) {
      Loader loader(files(paths), small(), batch, threads);
      size_t next = 0;
      while (const auto pictures = loader.next()) {
        std::vector<size_t> indices = read(*pictures);
        indices.insert(indices.end(), pictures->failures.size(), 0);
        const size_t begin = next;
        next += indices.size();
        ASSERT_EQ(next, std::min(begin + batch, paths.size()));
        for (size_t i = 0; i < pictures->parts.size(); ++i) {
          expect_image(*pictures, i, paths[pictures->parts[i].file]);
        }
        for (const size_t index : failed(*pictures)) EXPECT_EQ(index % 7, 3U);
      }
      EXPECT_EQ(next, paths.size());
    }
  }
}

TEST(InputLoader, HasNothingToGiveOfNothing) {
  Loader loader(files({}), small(), 4, 2);
  EXPECT_FALSE(loader.next());
}

TEST(InputLoader, TakesAnyBatchSize) {
  Loader loader(files({kFirst, kSecond}), small(), std::numeric_limits<int>::max(), 1);
  EXPECT_THAT(read(*loader.next()), ElementsAre(0, 1));
  Loader none(files({kFirst, kSecond}), small(), 0, 1);
  EXPECT_THAT(read(*none.next()), ElementsAre(0));
}

// Pictures that only appear once the first batch is out are still found: nobody looked before.
TEST(InputLoader, StaysTwoBatchesAhead) {
  const TemporaryFolder folder;
  std::vector<fs::path> paths;
  for (int i = 0; i < 4; ++i) paths.push_back(folder / (std::to_string(i) + ".jpg"));
  fs::copy_file(kFirst, paths[0]);
  fs::copy_file(kFirst, paths[1]);
  Loader loader(files(paths), small(), 1, 8);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  fs::copy_file(kFirst, paths[2]);
  fs::copy_file(kFirst, paths[3]);
  for (size_t i = 0; i < 4; ++i) EXPECT_THAT(read(*loader.next()), ElementsAre(i));
}

TEST(InputLoader, CanBeLeftAtAnyTime) {
  const std::vector<fs::path> paths(10'000, kFirst);
  for (int i = 0; i < 50; ++i) {
    Loader loader(files(paths), small(), 2, 3);
    if (i % 2 == 1) loader.next();
    if (i % 3 == 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// The vector of such a picture can't be made: neither an Error nor a crash, but that picture's
// failure.
TEST(InputLoader, MakesFailuresOfAllExceptions) {
  InputSpec spec;
  spec.pictures.height = std::numeric_limits<int>::max();
  spec.pictures.width = std::numeric_limits<int>::max();
  Loader loader(files({kFirst, kSecond}), spec, 2, 2);
  const auto batch = loader.next();
  ASSERT_TRUE(batch);
  EXPECT_THAT(read(*batch), IsEmpty());
  ASSERT_THAT(failed(*batch), ElementsAre(0, 1));
  EXPECT_THAT(batch->failures[0].message, HasSubstr(kFirst.string() + ": "));
  EXPECT_THAT(batch->failures[1].message, HasSubstr(kSecond.string() + ": "));
  EXPECT_FALSE(loader.next());
}

// Sounds of so many samples of 1, and where `broken` says so of none that are numbers behind them.
class Sounds : public MediaSource {
 public:
  struct Sound {
    int samples;
    bool broken = false;
  };
  explicit Sounds(std::vector<Sound> sounds) : sounds_(std::move(sounds)) {}
  int64_t size() const override { return static_cast<int64_t>(sounds_.size()); }
  std::string name(int64_t i) const override { return fmt::format("sound {}", i); }
  Image read(int64_t) const override { return {}; }
  std::unique_ptr<FrameSource> open_video(int64_t) const override { return nullptr; }
  std::unique_ptr<SoundReader> open_sound(int64_t i) const override {
    return std::make_unique<Reader>(sounds_[i], name(i), samples_read);
  }

  mutable std::atomic<int64_t> samples_read = 0;

 private:
  class Reader : public SoundReader {
   public:
    Reader(const Sound& sound, std::string name, std::atomic<int64_t>& samples_read)
        : left_(sound), name_(std::move(name)), samples_read_(samples_read) {}
    const std::string& name() const override { return name_; }
    int rate() const override { return 16'000; }
    size_t read(std::span<float> to) override {
      if (left_.samples == 0 && left_.broken) throw Error(name_ + ": broken");
      const size_t count = std::min(to.size(), static_cast<size_t>(left_.samples));
      std::fill_n(to.begin(), count, 1.0F);
      left_.samples -= static_cast<int>(count);
      samples_read_ += static_cast<int64_t>(count);
      return count;
    }

   private:
    Sound left_;
    std::string name_;
    std::atomic<int64_t>& samples_read_;
  };
  std::vector<Sound> sounds_;
};

// Windows of 10 frames, 5 apart: 160 samples a frame and 240 more.
InputSpec windows() {
  InputSpec spec = {.medium = Medium::sound, .hop = 5};
  spec.sound.frames = 10;
  spec.sound.filters = 4;
  return spec;
}
int samples_of(int frames) { return 160 * frames + 240; }

TEST(InputLoader, GivesTheWindowsOfSoundsInOrder) {
  const auto sounds = std::make_shared<Sounds>(std::vector<Sounds::Sound>{{samples_of(16)},
                                                                          {samples_of(10)},
                                                                          {samples_of(1000), true},
                                                                          {samples_of(11)},
                                                                          {samples_of(400)}});
  for (const int threads : {1, 3}) {
    for (const int batch : {1, 2, 7, 1000}) {
      Loader loader(sounds, windows(), batch, threads);
      std::vector<InputBatch::Part> parts;
      std::vector<size_t> failures;
      while (const auto inputs = loader.next()) {
        EXPECT_LE(inputs->parts.size() + inputs->failures.size(), static_cast<size_t>(batch));
        EXPECT_EQ(inputs->inputs.shape, (Shape{static_cast<int64_t>(inputs->parts.size()), 10, 4}));
        parts.insert(parts.end(), inputs->parts.begin(), inputs->parts.end());
        for (const size_t file : failed(*inputs)) failures.push_back(file);
      }
      EXPECT_THAT(failures, ElementsAre(2));
      ASSERT_GT(parts.size(), 90U);
      std::vector<int> counts(5);
      size_t last_file = 0;
      for (const InputBatch::Part& part : parts) {
        EXPECT_GE(part.file, last_file);
        last_file = part.file;
        EXPECT_EQ(part.number, counts[part.file]++);
        EXPECT_NEAR(part.start, part.number * 0.05, 1e-9);
        EXPECT_FALSE(part.is_last && part.file == 2);
      }
      EXPECT_EQ(counts[0], 3) << "16 frames: 0 to 9, 5 to 14, 10 to 15";
      EXPECT_NEAR(parts[2].end, 0.15 + 0.025, 1e-9);
      EXPECT_TRUE(parts[2].is_last);
      EXPECT_FALSE(parts[1].is_last);
      EXPECT_EQ(counts[1], 1);
      EXPECT_EQ(counts[3], 2);
      EXPECT_EQ(counts[4], 79);
    }
  }
}

// A sound without end: what waits must not grow with it.
TEST(InputLoader, HoldsNoMoreThanItsBatches) {
  const auto sounds =
      std::make_shared<Sounds>(std::vector<Sounds::Sound>(6, {std::numeric_limits<int>::max()}));
  Loader loader(sounds, windows(), 4, 3);
  for (int i = 0; i < 20; ++i) {
    const auto batch = loader.next();
    ASSERT_EQ(batch->parts.size(), 4U);
    EXPECT_EQ(batch->parts[3].number, 4 * i + 3);
    EXPECT_EQ(batch->parts[3].file, 0U);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  // 80 windows were given out, 5 frames each; 12 may wait, and each thread has one, another that it
  // keeps back, and reads sound in blocks.
  EXPECT_LE(sounds->samples_read, (80 + 12 + 6) * 5 * 160 + 3 * 3 * 4096);
}

TEST(InputLoader, ReadsARangeOfFiles) {
  InputLoader loader(files({kMissing, kFirst, kSecond, kMissing}), small(), {1, 3}, 8, 2);
  const auto batch = loader.next();
  ASSERT_TRUE(batch);
  EXPECT_THAT(read(*batch), ElementsAre(1, 2));
  EXPECT_EQ(batch->files(), 2U);
  EXPECT_FALSE(loader.next());
}

}  // namespace
}  // namespace fovea
