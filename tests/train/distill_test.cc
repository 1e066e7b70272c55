// A plain ViT becomes a big.LITTLE one that learns from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/io/safetensors.h"
#include "fovea/train/trainer.h"
#include "tests/train/training_data.h"

namespace fovea {
namespace {

using testing::HasSubstr;

class BigLittleRun : public testing::Test {
 protected:
  BigLittleRun() {
    write_training_data(data_);
    Recipe r = recipe("teacher");
    r.epochs = 8;
    r.lr = 2e-3;
    train(r, {.threads = 1});
  }

  Recipe recipe(const std::string& output) const {
    Recipe r;
    r.data = data_.string();
    r.output = (folder_.path() / output).string();
    r.width = 32;
    r.depth = 3;
    r.heads = 2;
    r.img_size = 16;
    r.patch_size = 4;
    r.crop = "padded";
    r.crop_pct = 0.8;
    r.batch_size = 12;
    r.warmup_epochs = 0;
    r.amp = Amp::off;
    r.val_every = 0;
    return r;
  }

  Recipe student(const std::string& output) const {
    Recipe r = recipe(output);
    r.teacher = (folder_.path() / "teacher").string();
    r.distillation = "feature";
    r.big_little = true;
    r.epochs = 6;
    r.lr = 2e-3;
    return r;
  }

  Result answers(const std::string& model, std::optional<double> keep_ratio = {}) const {
    const Model loaded = Model::load(model, {.threads = 1});
    RunOptions options;
    options.keep_ratio = keep_ratio;
    return loaded.run(loaded.preprocess(data_ / "val" / "class1" / "3.png"), options);
  }

  TemporaryFolder folder_;
  std::filesystem::path data_ = folder_.path() / "data";
};

TEST_F(BigLittleRun, StartsAsTheTeacherWhereAllTakeTheBigPath) {
  Recipe r = student("out");
  r.keep_ratio = 1;
  r.epochs = 1;
  r.lr = r.min_lr = 0;
  train(r, {.threads = 1});
  const Result plain = answers(r.teacher);
  const Result routed = answers(r.output);
  ASSERT_EQ(routed.routes.size(), 1U);
  EXPECT_EQ(routed.routes.at(1).shape, (Shape{1, 17}));
  EXPECT_THAT(routed.logits.data, testing::Pointwise(testing::FloatNear(1e-4F), plain.logits.data));
  // A quarter of the tokens is another matter.
  EXPECT_THAT(answers(r.output, 0.25).logits.data,
              testing::Not(testing::Pointwise(testing::FloatNear(1e-4F), plain.logits.data)));
}

TEST_F(BigLittleRun, LearnsToRoute) {
  Recipe r = student("out");
  r.keep_ratio = 0.5;
  r.predict_after = {1, 2};
  r.little_width = 8;
  const Trained trained = train(r, {.threads = 1});
  EXPECT_GT(trained.top1.value_or(0), 80);
  const Result routed = answers(r.output);
  EXPECT_EQ(routed.routes.at(1).shape, (Shape{1, 9}));
  EXPECT_EQ(routed.routes.at(2).shape, (Shape{1, 9}));
  const SafeTensors saved = SafeTensors::open(r.output + "/model.safetensors");
  for (const char* name : {"blocks.1.alpha_attn", "blocks.2.alpha_mlp"}) {
    EXPECT_NE(to_floats(saved.tensors().at(name), "")[0], 0) << name;
  }
  EXPECT_NE(to_floats(saved.tensors().at("predictors.0.bias"), "")[1], 0);
  EXPECT_EQ(saved.tensors().at("blocks.1.little.mlp.down.weight").shape, (Shape{8, 32}));
}

TEST_F(BigLittleRun, LearnsWithoutLittleBlocksAndWithoutDistillation) {
  Recipe r = student("out");
  r.little_every = 0;
  r.distillation = "none";
  train(r, {.threads = 1});
  const Model model = Model::load(r.output, {.threads = 1});
  EXPECT_EQ(model.architecture().routing->little_every, 0);
  EXPECT_EQ(answers(r.output).routes.at(1).shape, (Shape{1, 5}));
}

TEST_F(BigLittleRun, LearnsWithoutPredictorAndWithoutCrossAttention) {
  Recipe r = student("spread");
  r.learned_routing = false;
  r.epochs = 1;
  train(r, {.threads = 1});
  EXPECT_THAT(answers(r.output).routes.at(1).data, testing::ElementsAre(0, 3, 7, 11, 15));
  EXPECT_EQ(answers(r.output, 1).routes.at(1).shape, (Shape{1, 17}));
  Recipe alone = student("alone");
  alone.cross_attention = false;
  alone.epochs = 1;
  train(alone, {.threads = 1});
  const Model model = Model::load(alone.output, {.threads = 1});
  EXPECT_FALSE(model.architecture().routing->cross_attention);
  EXPECT_LT(cost(model.architecture(), {16, 16}).gflops,
            cost(Model::load(r.output, {.threads = 1}).architecture(), {16, 16}).gflops);
  const RunOptions merging{.merge = {.schedule = {.r = 1}}};
  EXPECT_THAT(error_of([&] { model.run(model.preprocess(data_ / "val/class1/3.png"), merging); }),
              HasSubstr("r = 1: a big.LITTLE ViT whose attention sees selected tokens alone"));
}

TEST_F(BigLittleRun, GoesOnFromABigLittleModelAtItsKeepRatio) {
  Recipe first = student("first");
  first.keep_ratio = 0.5;
  first.epochs = 1;
  train(first, {.threads = 1});
  Recipe r = recipe("out");
  r.model = first.output;
  r.epochs = 1;
  train(r, {.threads = 1});
  EXPECT_EQ(answers(r.output).routes.at(1).shape, (Shape{1, 9}));
}

TEST_F(BigLittleRun, RefusesWhatDoesNotFit) {
  Recipe r = student("out");
  r.predict_after = {1, 3};
  EXPECT_THAT(error_of([&] { train(r, {.threads = 1}); }),
              HasSubstr("predict_after: of a model of 3 layers; expected layers from 1 to 2"));
  r = student("out");
  r.little_width = 9;
  r.little_heads = 2;
  EXPECT_THAT(error_of([&] { train(r, {.threads = 1}); }),
              HasSubstr("little_width is 9 and little_heads is 2"));
  r = student("out");
  r.drop_path = 0.1;
  EXPECT_THAT(error_of([&] { train(r, {.threads = 1}); }), HasSubstr("drop_path is 0.1"));
  r = recipe("out");
  r.big_little = true;
  r.layer_scale = 0.1;
  EXPECT_THAT(error_of([&] { train(r, {.threads = 1}); }), HasSubstr("the recipe: has LayerScale"));
}

}  // namespace
}  // namespace fovea
