// Whole training runs on small pictures that are easy to tell apart.
#include "fovea/train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <map>
#include <string>

#include "fovea/io/file.h"
#include "fovea/io/testing.h"
#include "tests/goldens.h"
#include "tests/train/training_data.h"

namespace fovea {
namespace {

using testing::HasSubstr;

class TrainingRun : public testing::Test {
 protected:
  TrainingRun() { write_training_data(data_); }

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
    recipe.amp = Amp::off;
    recipe.log_every = 1;
    recipe.val_every = 0;
    return recipe;
  }

  static std::map<int64_t, std::string> losses(const Recipe& recipe) {
    return logged_losses(recipe.output);
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

TEST_F(TrainingRun, LeavesTheAllocatorOfItsHostAlone) {
  Recipe r = recipe("out");
  r.epochs = 0.2;
  train(r, options_);
  const size_t before = ::mallinfo2().hblks;  // blocks with pages of their own
  const std::vector<char> large(size_t{64} << 20);
  EXPECT_EQ(::mallinfo2().hblks, before + 1);
}

TEST_F(TrainingRun, SaysHowFarTheEvaluationIs) {
  Recipe r = recipe("out");
  r.epochs = 0.2;
  std::vector<int64_t> pictures;
  options_.on_evaluated = [&](int64_t done, int64_t of) {
    EXPECT_EQ(of, 24);
    pictures.push_back(done);
  };
  train(r, options_);
  EXPECT_THAT(pictures, testing::ElementsAre(24));
}

TEST_F(TrainingRun, MergesWhileItLearns) {
  Recipe r = recipe("out");
  r.layer_scale = 0.1;
  options_.merge = {.schedule = {.r = 4}, .prop_attn = false};
  options_.eval_merge = {.schedule = {.r = 4}};
  EXPECT_GT(train(r, options_).top1.value_or(0), 80);
}

TEST_F(TrainingRun, LearnsNothingByFovealMerging) {
  options_.merge.method = Method::foveal;
  const Recipe r = recipe("out");
  EXPECT_THAT(error_of([&] { train(r, options_); }), HasSubstr("expected method tome, or foveal"));
}

TEST_F(TrainingRun, InBf16LearnsAsWell) {
  Recipe r = recipe("out");
  r.amp = Amp::on;
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

TEST_F(TrainingRun, PaintsMaskedPatchesThenFineTunesWithMerging) {
  Recipe r = recipe("painter");
  r.objective = "mae";
  r.decoder_width = 32;
  r.decoder_depth = 1;
  r.decoder_heads = 2;
  r.norm_pix_loss = false;
  r.lr = 6e-3;
  r.epochs = 6;
  const Trained painter = train(r, options_);
  EXPECT_EQ(painter.top1, std::nullopt);
  EXPECT_LE(painter.trained_parameters, painter.parameters);  // the decoder's are not the model's
  const std::map<int64_t, std::string> painted = losses(r);
  EXPECT_LT(std::stod(painted.rbegin()->second), 0.8 * std::stod(painted.begin()->second));

  // Again, in parts.
  Recipe parts = r;
  parts.output = (folder_.path() / "parts").string();
  TrainOptions options = options_;
  int64_t done = 0;
  options.on_step = [&](int64_t step, int64_t, double, double) { done = step; };
  options.stop = [&] { return done == 5; };
  EXPECT_TRUE(train(parts, options).stopped);
  EXPECT_FALSE(train(parts, {.resume = true, .threads = 1}).stopped);
  EXPECT_EQ(losses(parts), painted);

  const Model encoder = Model::load(r.output, {.threads = 1});
  EXPECT_EQ(encoder.architecture().classes, 0);
  Recipe tuned = recipe("tuned");
  tuned.model = r.output;
  tuned.epochs = 4;
  options_.merge = {.schedule = {.r = 2}, .prop_attn = false};
  options_.eval_merge = {.schedule = {.r = 2}};
  EXPECT_GT(train(tuned, options_).top1.value_or(0), 80);
}

TEST_F(TrainingRun, PaintsPicturesWithoutLabels) {
  Recipe r = recipe("painter");
  r.objective = "mae";
  r.decoder_width = 32;
  r.decoder_heads = 2;
  r.train_split = "train/class0";
  r.epochs = 1;
  EXPECT_EQ(train(r, options_).steps, 2);
  r.output = (folder_.path() / "other").string();
  r.stem = "conv";
  r.stem_widths = {8, 16};
  EXPECT_THAT(error_of([&] { train(r, options_); }), HasSubstr("sees each patch alone"));
  r.stem = "linear";
  r.mask_ratio = 0.99;
  EXPECT_THAT(error_of([&] { train(r, options_); }), HasSubstr("some visible and some masked"));
  r.mask_ratio = 0.75;
  r.decoder_heads = 5;
  EXPECT_THAT(error_of([&] { train(r, options_); }), HasSubstr("multiple of 4 and of the heads"));
  r.decoder_heads = 2;
  r.merge = "2";
  EXPECT_THAT(error_of([&] { train(r, options_); }), HasSubstr("objective is mae; expected"));
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

TEST_F(TrainingRun, WritesOnlyWhatItChanged) {
  Recipe r = recipe("out");
  r.model = golden("vit").string();
  r.tune = "attention";
  r.img_size = 64;
  r.epochs = 1;
  r.delta = true;
  const Trained trained = train(r, options_);
  const SafeTensors delta = SafeTensors::open(r.output + "/delta.safetensors");
  for (const auto& [name, tensor] : delta.tensors()) {
    EXPECT_TRUE(name.starts_with("head.") || name.find(".attn.") != std::string::npos) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(r.output + "/model.safetensors"));
  EXPECT_EQ(trained.model, r.model + "+" + r.output + "/delta.safetensors");
  // As a whole the same run answers the same.
  Recipe whole = r;
  whole.output = (folder_.path() / "whole").string();
  whole.delta = false;
  train(whole, options_);
  const auto answer = [&](const std::string& name) {
    const Model model = Model::load(name, {.threads = 1});
    EXPECT_THAT(model.config().labels, testing::ElementsAre("class0", "class1", "class2"));
    return model.run(model.preprocess(data_ / "val" / "class1" / "3.png")).logits.data;
  };
  EXPECT_EQ(answer(trained.model), answer(whole.output));
  r.model.clear();
  EXPECT_THAT(error_of([&] { train(r, options_); }), HasSubstr("delta is true; expected a model"));
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
