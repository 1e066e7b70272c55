// Whole runs on synthetic motions and sounds that are easy to tell apart: what is learnt, saved and
// gone on with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "fovea/data/media_testing.h"
#include "fovea/train/trainer.h"
#include "tests/goldens.h"
#include "tests/train/training_data.h"

namespace fovea {
namespace {

using testing::HasSubstr;

constexpr int kSide = 16;

// Stripes that begin anywhere and move to one side, a pixel a frame.
Image moving_stripes(bool to_the_right, int frame, int64_t start) {
  Image image{kSide, kSide, {}};
  for (int i = 0; i < kSide * kSide; ++i) {
    const int64_t x = i % kSide + start + (to_the_right ? -frame : frame) + 64;
    const uint8_t grey = x % 8 < 4 ? 220 : 30;
    image.rgb.insert(image.rgb.end(), {grey, grey, grey});
  }
  return image;
}

// Videos as folders of 4 pictures: train/ has 48, val/ 16.
void write_motions(const std::filesystem::path& data) {
  for (const char* split : {"train", "val"}) {
    for (const bool right : {false, true}) {
      for (int i = 0; i < (split[0] == 't' ? 24 : 8); ++i) {
        const auto folder = data / split / (right ? "right" : "left") / std::to_string(i);
        std::filesystem::create_directories(folder);
        Random random({uint64_t{split[0] == 't' ? 1U : 2U}, static_cast<uint64_t>(i)});
        const int64_t start = random.below(8);
        for (int frame = 0; frame < 4; ++frame) {
          write_file(folder / (std::to_string(frame) + ".png"),
                     encode_png(moving_stripes(right, frame, start)));
        }
      }
    }
  }
}

// Tones that rise or fall, 0.25 s at 16 kHz.
void write_tones(const std::filesystem::path& data) {
  for (const char* split : {"train", "val"}) {
    for (const bool rises : {false, true}) {
      const auto folder = data / split / (rises ? "rises" : "falls");
      std::filesystem::create_directories(folder);
      for (int i = 0; i < (split[0] == 't' ? 24 : 8); ++i) {
        Random random({uint64_t{split[0] == 't' ? 3U : 4U}, static_cast<uint64_t>(i), rises});
        const double lowest = random.uniform(300, 600);
        double phase = 0;
        std::vector<float> samples(4000);
        for (int n = 0; n < 4000; ++n) {
          const double share = (rises ? n : 4000 - n) / 4000.0;
          phase += 2 * M_PI * lowest * std::exp2(2 * share) / 16000;
          samples[n] = static_cast<float>(0.3 * std::sin(phase) + 0.02 * random.normal());
        }
        write_wav(folder / (std::to_string(i) + ".wav"), 16'000, 1, samples);
      }
    }
  }
}

class MediaTraining : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Recipe small(const std::string& output) const {
    Recipe r;
    r.data = path("data");
    r.output = path(output);
    r.width = 32;
    r.depth = 2;
    r.heads = 2;
    r.patch_size = 8;
    r.smoothing = 0;
    r.epochs = 30;
    r.warmup_epochs = 2;
    r.batch_size = 16;
    r.lr = 3e-3;
    r.amp = Amp::off;
    r.val_every = 0;
    r.log_every = 1;
    return r;
  }
  Recipe of_motions(const std::string& output) const {
    Recipe r = small(output);
    r.medium = "video";
    r.class_token = false;
    r.global_pool = "avg";
    r.num_frames = 4;
    r.frame_stride = 1;
    r.img_size = kSide;
    r.crop = "centre";
    r.crop_pct = 1;
    r.hflip = 0;
    return r;
  }
  Recipe of_tones(const std::string& output) const {
    Recipe r = small(output);
    r.medium = "sound";
    r.num_frames = 24;
    r.mel_bins = 32;
    r.stride = 6;
    r.shift = 2;
    r.gain = 3;
    r.freq_mask = 4;
    r.time_mask = 4;
    return r;
  }

  TemporaryFolder folder_;
  TrainOptions options_ = {.threads = 1};
};

TEST_F(MediaTraining, TellsMotionsApartAndSavesAVideoMae) {
  write_motions(folder_ / "data");
  options_.merge = {.schedule = {.r = 1}, .prop_attn = false};
  options_.eval_merge = {.schedule = {.r = 1}};
  const Recipe r = of_motions("out");
  EXPECT_GT(train(r, options_).top1.value_or(0), 90);
  const Model model = Model::load(r.output, {.threads = 1});
  EXPECT_EQ(model.architecture().family, "VideoMAE");
  EXPECT_EQ(model.architecture().image_size, Grid(4, kSide, kSide));
  EXPECT_TRUE(model.architecture().sinusoids);
  EXPECT_EQ(model.config().frame_stride, 1);
  EXPECT_THAT(model.config().labels, testing::ElementsAre("left", "right"));
  const Result result = model.run(model.preprocess(folder_ / "data/val/right/3"));
  EXPECT_GT(result.logits.data[1], result.logits.data[0]);
}

TEST_F(MediaTraining, TellsTonesApartAndSavesAnAst) {
  write_tones(folder_ / "data");
  FOVEA_SKIP_WHERE(missing_for_sound());
  const Recipe r = of_tones("out");
  EXPECT_GT(train(r, options_).top1.value_or(0), 90);
  const Model model = Model::load(r.output, {.threads = 1});
  const Architecture& a = model.architecture();
  EXPECT_EQ(a.family, "transformers' AST");
  EXPECT_EQ(a.image_size, Grid(24, 32));
  EXPECT_EQ(a.stride, Grid(6, 6));
  EXPECT_TRUE(a.distillation_token && a.head_norm && a.frequency_first);
  EXPECT_FALSE(model.config().sound.assumed);
  EXPECT_LT(model.config().sound.mean, 0) << "measured";
  const Result result = model.run(model.preprocess(folder_ / "data/val/rises/3.wav"));
  EXPECT_GT(result.logits.data[1], result.logits.data[0]);
}

TEST_F(MediaTraining, GoesOnToTheSameLosses) {
  write_tones(folder_ / "data");
  FOVEA_SKIP_WHERE(missing_for_sound());
  Recipe whole = of_tones("whole");
  whole.epochs = 2;
  whole.mixup = 0.5;
  Recipe parts = whole;
  parts.output = path("parts");
  train(whole, options_);
  TrainOptions stopping = options_;
  int64_t steps = 0;
  stopping.stop = [&] { return ++steps >= 2; };
  EXPECT_TRUE(train(parts, stopping).stopped);
  TrainOptions resuming = options_;
  resuming.resume = true;
  train(parts, resuming);
  EXPECT_EQ(logged_losses(parts.output), logged_losses(whole.output));
}

// Classes come later, and with them what VideoMAE's classifiers have before the head.
TEST_F(MediaTraining, PaintsTubesAndIsFineTuned) {
  write_motions(folder_ / "data");
  Recipe painter = of_motions("painter");
  painter.objective = "mae";
  painter.mask_ratio = 0.75;
  painter.decoder_width = 16;
  painter.decoder_depth = 1;
  painter.decoder_heads = 2;
  painter.epochs = 2;
  train(painter, options_);
  const Model model = Model::load(painter.output, {.threads = 1});
  EXPECT_EQ(model.architecture().classes, 0);
  EXPECT_TRUE(model.architecture().first_patch_leads) << "as VideoMAE's own pre-training files";
  Recipe tuned = of_motions("tuned");
  tuned.model = painter.output;
  tuned.epochs = 60;
  options_.merge = {.schedule = {.r = 1}, .prop_attn = false};
  EXPECT_GT(train(tuned, options_).top1.value_or(0), 90);
  const Architecture a = Model::load(tuned.output, {.threads = 1}).architecture();
  EXPECT_EQ(a.pooling, Pooling::average);
  EXPECT_TRUE(a.fc_norm);
}

TEST_F(MediaTraining, PaintsSpectrogramsAndIsFineTuned) {
  write_tones(folder_ / "data");
  FOVEA_SKIP_WHERE(missing_for_sound());
  for (const std::string pool : {"avg", "token"}) {
    Recipe painter = of_tones("painter-" + pool);
    painter.objective = "mae";
    painter.mask_ratio = 0.8;
    painter.decoder_width = 16;
    painter.decoder_depth = 1;
    painter.decoder_heads = 2;
    painter.epochs = 1;
    painter.global_pool = pool;
    EXPECT_THAT(error_of([&] { train(painter, options_); }), HasSubstr("patches overlap"));
    painter.stride = 0;
    train(painter, options_);
    Recipe tuned = of_tones("tuned-" + pool);
    tuned.model = painter.output;
    tuned.epochs = 3;
    train(tuned, options_);
    const Model model = Model::load(tuned.output, {.threads = 1});
    EXPECT_EQ(model.architecture().family, pool == "avg" ? "AudioMAE" : "transformers' AST");
    EXPECT_EQ(model.architecture().classes, 2);
    EXPECT_EQ(model.config().sound.mean,
              Model::load(painter.output, {.threads = 1}).config().sound.mean);
  }
}

// Models that people have: those of transformers get timm's names, and answer as before.
TEST_F(MediaTraining, FineTunesEveryFamily) {
  write_motions(folder_ / "data");
  for (const char* name : {"videomae", "videomae-pretraining", "mae-st", "mae-st-sep-pos"}) {
    Recipe r = small(name);
    r.model = golden(name);
    r.frame_stride = 1;
    r.crop = "centre";
    r.epochs = 0.3;
    r.warmup_epochs = 0;
    train(r, options_);
    const Model before = Model::load(r.model, {.threads = 1});
    const Model after = Model::load(r.output, {.threads = 1});
    EXPECT_EQ(after.architecture().classes, 2) << name;
    EXPECT_EQ(after.architecture().late_norm, before.architecture().late_norm) << name;
    EXPECT_EQ(after.architecture().pooling, Pooling::average) << name;
  }
}

}  // namespace
}  // namespace fovea
