// Whole training runs on small pictures that are easy to tell apart.
#include "fovea/train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "fovea/data/encoders.h"
#include "fovea/io/file.h"
#include "fovea/io/random.h"
#include "fovea/io/testing.h"
#include "tests/goldens.h"

namespace fovea {
namespace {

using testing::HasSubstr;

// Noise around a colour that is the class's.
Image picture(int label, uint64_t seed) {
  Image image;
  image.width = 20;
  image.height = 20;
  Random random({seed, static_cast<uint64_t>(label)});
  for (int i = 0; i < 400; ++i) {
    for (int c = 0; c < 3; ++c) {
      const double value = (c == label ? 170 : 90) + 40 * random.normal();
      image.rgb.push_back(static_cast<uint8_t>(std::clamp(value, 0.0, 255.0)));
    }
  }
  return image;
}

class TrainingRun : public testing::Test {
 protected:
  TrainingRun() {
    for (const char* split : {"train", "val"}) {
      for (int label = 0; label < 3; ++label) {
        const auto folder = data_ / split / (std::string("class") + std::to_string(label));
        std::filesystem::create_directories(folder);
        for (int i = 0; i < (split[0] == 't' ? 24 : 8); ++i) {
          const uint64_t seed = split[0] == 't' ? i : 1000 + i;
          write_file(folder / (std::to_string(i) + ".png"), encode_png(picture(label, seed)));
        }
      }
    }
  }

  Recipe recipe(const std::string& output) const {
    Recipe recipe;
    recipe.data = data_.string();
    recipe.output = (folder_.path() / output).string();
    recipe.width = 32;
    recipe.depth = 2;
    recipe.heads = 2;
    recipe.img_size = 16;
    recipe.patch_size = 4;
    recipe.crop = "padded";
    recipe.crop_pct = 0.8;
    recipe.epochs = 8;
    recipe.warmup_epochs = 1;
    recipe.batch_size = 12;
    recipe.lr = 2e-3;
    recipe.log_every = 1;
    recipe.val_every = 0;
    return recipe;
  }

  // The losses of a run's log.
  static std::map<int64_t, std::string> losses(const Recipe& recipe) {
    std::ifstream file(std::filesystem::path(recipe.output) / "log.csv");
    std::map<int64_t, std::string> losses;
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream cells(line);
      std::string step, epoch, loss;
      std::getline(cells, step, ',');
      std::getline(cells, epoch, ',');
      std::getline(cells, loss, ',');
      if (!loss.empty()) losses[std::stoll(step)] = loss;
    }
    return losses;
  }

  TemporaryFolder folder_;
  std::filesystem::path data_ = folder_.path() / "data";
  TrainOptions options_ = {.threads = 1};
};

TEST_F(TrainingRun, LearnsAndSavesAModelThatAnswers) {
  Recipe r = recipe("out");
  r.mixup = 0.2;
  r.drop_path = 0.1;
  r.model_ema = 0.9;
  const Trained trained = train(r, options_);
  EXPECT_EQ(trained.steps, 8 * 6);
  EXPECT_EQ(trained.parameters, trained.trained_parameters);
  EXPECT_GT(trained.top1.value_or(0), 80);
  const Model model = Model::load(r.output, {.threads = 1});
  EXPECT_THAT(model.config().labels, testing::ElementsAre("class0", "class1", "class2"));
  const Result result = model.run(model.preprocess(data_ / "val" / "class1" / "3.png"));
  EXPECT_EQ(result.logits.shape, (Shape{1, 3}));
}

TEST_F(TrainingRun, MergesWhileItLearns) {
  Recipe r = recipe("out");
  r.layer_scale = 0.1;
  options_.merge = {.schedule = {.r = 4}, .prop_attn = false};
  options_.eval_merge = {.schedule = {.r = 4}};
  EXPECT_GT(train(r, options_).top1.value_or(0), 80);
}

TEST_F(TrainingRun, InBf16LearnsAsWell) {
  Recipe r = recipe("out");
  r.amp = true;
  options_.merge = {.schedule = {.r = 2}, .prop_attn = true};
  EXPECT_GT(train(r, options_).top1.value_or(0), 80);
}

TEST_F(TrainingRun, IsRepeatable) {
  Recipe a = recipe("a");
  a.epochs = 1;
  a.drop_path = 0.2;
  a.cutmix = 1;
  Recipe b = a;
  b.output = (folder_.path() / "b").string();
  train(a, options_);
  train(b, options_);
  EXPECT_EQ(losses(a), losses(b));
  b.output = (folder_.path() / "c").string();
  b.seed = 1;
  train(b, options_);
  EXPECT_NE(losses(a), losses(b));
}

TEST_F(TrainingRun, GoesOnToTheSameLosses) {
  Recipe whole = recipe("whole");
  whole.epochs = 2;
  whole.drop_path = 0.2;
  whole.model_ema = 0.99;
  whole.stem = "hmlp";
  whole.patch_size = 16;
  whole.img_size = 32;
  train(whole, options_);
  Recipe parts = whole;
  parts.output = (folder_.path() / "parts").string();
  for (const int stop : {5, 8, 100}) {  // in the middle of epochs
    TrainOptions options = options_;
    options.resume = stop > 5;
    int64_t done = 0;
    options.on_step = [&](int64_t step, int64_t, double, double) { done = step; };
    options.stop = [&] { return done == stop; };
    EXPECT_EQ(train(parts, options).stopped, stop < 100);
  }
  EXPECT_EQ(losses(whole).size(), 12);
  EXPECT_EQ(losses(whole), losses(parts));
  const auto weights = [](const Recipe& r) {
    return read_text(std::filesystem::path(r.output) / "model.safetensors");
  };
  EXPECT_EQ(weights(whole), weights(parts));
}

TEST_F(TrainingRun, LosesNoCheckpoint) {
  Recipe r = recipe("out");
  r.epochs = 0.5;
  train(r, options_);
  EXPECT_THAT(error_of([&] { train(r, options_); }), HasSubstr("expected --resume"));
  options_.resume = true;
  r.width = 64;
  EXPECT_THAT(error_of([&] { train(r, options_); }), HasSubstr("checkpoint is of another model"));
  r.output = (folder_.path() / "nothing").string();
  EXPECT_THAT(error_of([&] { train(r, options_); }), HasSubstr("no checkpoint.safetensors"));
}

TEST_F(TrainingRun, EndsWhereTheLossIsNoNumber) {
  Recipe r = recipe("out");
  r.lr = 100;
  r.weight_decay = 10;
  r.epochs = 60;
  EXPECT_THAT(error_of([&] { train(r, options_); }), HasSubstr("the loss is"));
}

TEST_F(TrainingRun, NamesThePictureThatIsCorrupt) {
  write_file(data_ / "train" / "class1" / "7.png", "not a picture");
  EXPECT_THAT(error_of([&] { train(recipe("out"), options_); }), HasSubstr("7.png"));
}

TEST_F(TrainingRun, FineTunesTheAttentionAloneWithAHeadForOtherClasses) {
  Recipe r = recipe("out");
  r.model = golden("vit").string();
  r.tune = "attention";
  r.img_size = 64;
  r.epochs = 1;
  const Trained trained = train(r, options_);
  EXPECT_LT(trained.trained_parameters, trained.parameters / 2);
  const SafeTensors before = SafeTensors::open(golden("vit") / "model.safetensors");
  const SafeTensors after = SafeTensors::open(r.output + "/model.safetensors");
  for (const auto& [name, tensor] : after.tensors()) {
    if (name.starts_with("head.")) continue;
    const auto same = to_floats(tensor, "") == to_floats(before.tensors().at(name), "");
    EXPECT_EQ(same, name.find(".attn.") == std::string::npos) << name;
  }
  EXPECT_EQ(after.tensors().at("head.weight").shape[0], 3);
}

class Distilled : public TrainingRun, public testing::WithParamInterface<std::string> {};

TEST_P(Distilled, LearnsFromATeacher) {
  Recipe teacher = recipe("teacher");
  train(teacher, options_);
  Recipe r = recipe("out");
  r.teacher = teacher.output;
  r.distillation = GetParam();
  r.distillation_token = GetParam() == "hard";
  r.depth = 1;
  EXPECT_GT(train(r, options_).top1.value_or(0), 70);
  r.output = (folder_.path() / "wide").string();
  r.width = 64;
  const std::string refusal = error_of([&] { r.epochs = 0.2, train(r, options_); });
  EXPECT_EQ(refusal.find("teacher") != std::string::npos, GetParam() == "feature") << refusal;
}

INSTANTIATE_TEST_SUITE_P(Ways, Distilled, testing::Values("soft", "hard", "feature"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace fovea
