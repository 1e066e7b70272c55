// Batches are the same however many threads and shards make them, and wherever they begin.
#include "fovea/data/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "fovea/io/fail.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;

constexpr int64_t kPictures = 37;
constexpr int kClasses = 3;

// Picture i is of the grey i and of class i % 3.
class Greys : public Dataset {
 public:
  explicit Greys(int64_t broken = -1) : broken_(broken) {}
  int64_t size() const override { return kPictures; }
  const std::vector<std::string>& classes() const override { return classes_; }
  int label(int64_t i) const override { return static_cast<int>(i) % kClasses; }
  std::unique_ptr<FrameSource> open_video(int64_t) const override { return nullptr; }
  std::unique_ptr<SoundReader> open_sound(int64_t) const override { return nullptr; }
  const LeftOut& left_out() const override { return left_out_; }
  std::string name(int64_t i) const override { return "grey " + std::to_string(i); }
  Image read(int64_t i) const override {
    ++reads;
    if (i == broken_) fail("{}: broken", name(i));
    return {8, 8, std::vector<uint8_t>(8 * 8 * 3, static_cast<uint8_t>(i))};
  }
  mutable std::atomic<int> reads = 0;

 private:
  int64_t broken_;
  LeftOut left_out_;
  std::vector<std::string> classes_ = {"a", "b", "c"};
};

// Neither changed nor mixed: which picture each image is can be read.
BatchOptions plain() {
  BatchOptions options;
  options.preprocessing = {
      .height = 8, .width = 8, .mean = {0, 0, 0}, .std = {1, 1, 1}, .crop_pct = 1};
  options.augmentation = {.crop = Crop::centre, .hflip = 0, .rand_augment = {}, .reprob = 0};
  options.mix = {.mixup = 0, .cutmix = 0};
  options.batch = 8;
  return options;
}

BatchOptions everything() {
  BatchOptions options = plain();
  options.augmentation = {};
  options.augmentation.rand_augment.operations = 2;
  options.mix = {};
  options.smoothing = 0.1;
  return options;
}

std::vector<Batch> epoch_of(TrainingBatches& batches, int64_t epoch, int64_t first = 0) {
  batches.start(epoch, first);
  std::vector<Batch> all;
  for (Batch batch; batches.next(batch); batch = {}) all.push_back(batch);
  return all;
}

std::vector<Batch> epoch_of(const BatchOptions& options, int64_t epoch) {
  const Greys data;
  TrainingBatches batches(data, options);
  return epoch_of(batches, epoch);
}

std::vector<int> greys_of(const std::vector<Batch>& batches) {
  std::vector<int> greys;
  for (const Batch& batch : batches) {
    const size_t size = batch.images.data.size() / batch.labels.size();
    for (size_t i = 0; i < batch.labels.size(); ++i) {
      greys.push_back(static_cast<int>(std::lround(255 * batch.images.data[i * size])));
    }
  }
  return greys;
}

void expect_equal(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].images.data, b[i].images.data) << "batch " << i;
    EXPECT_EQ(a[i].targets.data, b[i].targets.data) << "batch " << i;
    EXPECT_EQ(a[i].labels, b[i].labels) << "batch " << i;
  }
}

TEST(TrainingBatches, GoOverPicturesOnceInAnOrderOfTheEpoch) {
  const Greys data;
  TrainingBatches batches(data, plain());
  EXPECT_EQ(batches.batches_per_epoch(), 4);
  Batch none;
  EXPECT_FALSE(batches.next(none)) << "nothing has been started";
  std::set<std::vector<int>> orders;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    const std::vector<Batch> all = epoch_of(batches, epoch);
    ASSERT_EQ(all.size(), 4U);
    EXPECT_EQ(all[0].images.shape, (Shape{8, 3, 8, 8}));
    EXPECT_EQ(all[0].targets.shape, (Shape{8, kClasses}));
    const std::vector<int> greys = greys_of(all);
    EXPECT_EQ(std::set<int>(greys.begin(), greys.end()).size(), 32U);
    for (size_t i = 0; i < greys.size(); ++i) {
      ASSERT_EQ(all[i / 8].labels[i % 8], greys[i] % kClasses);
      ASSERT_EQ(all[i / 8].targets.data[i % 8 * kClasses + greys[i] % kClasses], 1);
    }
    orders.insert(greys);
  }
  EXPECT_EQ(orders.size(), 3U);
}

TEST(TrainingBatches, AreTheSameWithAnyNumberOfThreadsAndWithoutKeeping) {
  BatchOptions options = everything();
  const std::vector<Batch> one = epoch_of(options, 5);
  options.threads = 7;
  expect_equal(epoch_of(options, 5), one);
  options.keep_decoded = false;
  expect_equal(epoch_of(options, 5), one);
  options.seed = 1;
  EXPECT_NE(epoch_of(options, 5)[0].images.data, one[0].images.data);
}

TEST(TrainingBatches, CanBeginAnywhere) {
  const Greys data;
  BatchOptions options = everything();
  options.threads = 3;
  TrainingBatches batches(data, options);
  const std::vector<Batch> whole = epoch_of(batches, 2);
  for (int64_t first = 0; first <= 4; ++first) {
    const std::vector<Batch> rest = epoch_of(batches, 2, first);
    expect_equal(rest, {whole.begin() + first, whole.end()});
  }
  Batch batch;
  for (int i = 0; i < 20; ++i) {  // left in the middle
    batches.start(i, i % 4);
    if (i % 2 == 0) {
      EXPECT_TRUE(batches.next(batch));
    }
  }
  expect_equal(epoch_of(batches, 2), whole);
}

TEST(TrainingBatches, OfShardsAreThoseOfOneProcess) {
  BatchOptions options = everything();
  options.mix = {.mixup = 0, .cutmix = 0};
  const std::vector<Batch> whole = epoch_of(options, 1);
  options.shards = 2;
  for (options.shard = 0; options.shard < 2; ++options.shard) {
    const std::vector<Batch> part = epoch_of(options, 1);
    ASSERT_EQ(part.size(), whole.size());
    const size_t size = part[0].images.data.size() / 4;
    for (size_t b = 0; b < part.size(); ++b) {
      for (size_t i = 0; i < 4; ++i) {
        const size_t place = 2 * i + options.shard;
        EXPECT_EQ(part[b].labels[i], whole[b].labels[place]);
        EXPECT_TRUE(std::equal(part[b].images.data.begin() + i * size,
                               part[b].images.data.begin() + (i + 1) * size,
                               whole[b].images.data.begin() + place * size));
      }
    }
  }
}

TEST(TrainingBatches, ShardsMixEachByItself) {
  BatchOptions options = plain();
  options.mix = {};
  options.shards = 2;
  const std::vector<Batch> first = epoch_of(options, 1);
  expect_equal(epoch_of(options, 1), first);
  options.shard = 1;
  EXPECT_NE(epoch_of(options, 1)[0].targets.data, first[0].targets.data);
  for (const Batch& batch : first) {
    for (size_t i = 0; i < batch.labels.size(); ++i) {
      float sum = 0;
      for (int c = 0; c < kClasses; ++c) sum += batch.targets.data[i * kClasses + c];
      EXPECT_NEAR(sum, 1, 1e-6);
    }
  }
}

TEST(TrainingBatches, KeepWhatTheyHaveDecoded) {
  const Greys data;
  BatchOptions options = plain();
  {
    TrainingBatches batches(data, options);
    for (int64_t epoch = 0; epoch < 20; ++epoch) epoch_of(batches, epoch);
    EXPECT_LE(data.reads, kPictures);
  }
  data.reads = 0;
  options.keep_decoded = false;
  TrainingBatches batches(data, options);
  for (int64_t epoch = 0; epoch < 2; ++epoch) epoch_of(batches, epoch);
  EXPECT_EQ(data.reads, 2 * 32);
}

TEST(TrainingBatches, ThrowForPicturesThatCannotBeRead) {
  const Greys data(20);
  BatchOptions options = plain();
  options.threads = 2;
  TrainingBatches batches(data, options);
  std::string error;
  for (int64_t epoch = 0; epoch < 20 && error.empty(); ++epoch) {
    error = error_of([&] { epoch_of(batches, epoch); });
  }
  EXPECT_EQ(error, "grey 20: broken");
}

TEST(TrainingBatches, RefuseWhatMakesNoBatch) {
  const Greys data;
  BatchOptions options = plain();
  options.batch = 38;
  EXPECT_THAT(error_of([&] { TrainingBatches(data, options); }),
              HasSubstr("37 pictures; expected at least as many as a batch has, 38"));
  options.batch = 8;
  options.shards = 3;
  EXPECT_THAT(error_of([&] { TrainingBatches(data, options); }),
              HasSubstr("8 can't be shared out evenly to 3"));
}

// Picture i is of the grey i, and its left half a segment.
class Halves : public SegmentedPictures {
 public:
  int64_t size() const override { return kPictures; }
  std::string name(int64_t i) const override { return "half " + std::to_string(i); }
  Image read(int64_t i) const override {
    return {12, 12, std::vector<uint8_t>(12 * 12 * 3, static_cast<uint8_t>(i))};
  }
  std::vector<TrueMask> masks(int64_t i) const override {
    if (i == 3) return {{Rle{12, 13, {12 * 13}}}};
    return {{Rle{12, 12, {0, 72, 72}}}};
  }
  const LeftOut& left_out() const override { return left_out_; }

 private:
  LeftOut left_out_;
};

TEST(SegmentedBatchesTest, HaveTheMasksOfTheirPictures) {
  const Halves data;
  BatchOptions options;
  options.preprocessing.height = options.preprocessing.width = 12;
  options.preprocessing.fit = Fit::corner;
  options.augmentation.scale = {1, 1};
  options.augmentation.ratio = {1, 1};
  options.augmentation.hflip = 0.5;
  options.segments = {.masks = 2, .side = 4};
  options.batch = 6;
  options.threads = 2;
  TrainingBatches batches(data, options);
  Batch batch;
  std::string error;
  int left = 0;
  int right = 0;
  const SquareMask half = {1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0};
  const SquareMask mirrored(half.rbegin(), half.rend());
  for (int64_t i = 0; i < batches.batches_per_epoch(); ++i) {
    batches.start(0, i);
    const std::string here = error_of([&] { batches.next(batch); });
    if (!here.empty()) {
      error = here;
      continue;
    }
    EXPECT_TRUE(batch.labels.empty());
    ASSERT_EQ(batch.masks.size(), 6U);
    for (const std::vector<SquareMask>& masks : batch.masks) {
      ASSERT_EQ(masks.size(), 1U);
      left += masks[0] == half ? 1 : 0;
      right += masks[0] == mirrored ? 1 : 0;
    }
  }
  EXPECT_EQ(left + right, 30);
  EXPECT_GT(left, 5);
  EXPECT_GT(right, 5);
  EXPECT_THAT(error, HasSubstr("half 3: 12 x 12 pixels, but its masks are 13 x 12"));
}

}  // namespace
}  // namespace fovea
