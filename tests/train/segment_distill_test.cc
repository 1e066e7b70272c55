// A Segment Anything becomes a big.LITTLE one that learns from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "fovea/model/cost.h"
#include "fovea/segmenter.h"
#include "fovea/train/objective.h"
#include "fovea/train/trainer.h"
#include "tests/cli_testing.h"
#include "tests/train/segment_data.h"
#include "tests/train/training_data.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

// Windows of 3 on a grid of 8 x 8, layers 2 and 4 over all.
class SegmentDistillTest : public testing::Test {
 protected:
  SegmentDistillTest() {
    plain_.depth = 4;
    plain_.epochs = 2;
    plain_.output = (folder_ / "teacher").string();
    train(plain_, {.threads = 1});
  }

  Recipe student(const std::string& output) const {
    Recipe r = plain_;
    r.output = (folder_ / output).string();
    r.teacher = plain_.output;
    r.distillation = "feature";
    r.big_little = true;
    r.keep_ratio = 0.5;
    r.predict_after = {1, 2};
    r.little_width = 12;
    r.little_heads = 2;
    return r;
  }

  Result encode(const std::string& model, std::optional<double> keep_ratio = {}) const {
    const Model loaded = Model::load(model, {.threads = 1});
    RunOptions options;
    options.keep_ratio = keep_ratio;
    return loaded.run(loaded.preprocess(folder_ / "data" / "train" / "3.png"), options);
  }

  TemporaryFolder folder_;
  Recipe plain_ = segment_recipe(folder_.path());
};

Objective objective_of(const Recipe& recipe, Student& student) {
  return {recipe, student, course_of(student.architecture, MergeOptions{}), {.threads = 1}};
}

// [B P, C]
Array embedding_of(const Student& student, const Batch& batch) {
  const torch::NoGradGuard no_grad;
  const Course course = course_of(student.architecture, MergeOptions{});
  return student.torch->read(
      student.vit.forward(*student.torch, input_of(batch.images), course).embedding);
}

// The mean of 1 less the cosine, over the cells of embeddings: rows [B P, C] and planes [B, C, h,
// w].
double distance_of_rows(const Array& rows, const Array& planes) {
  const int64_t channels = planes.shape[1];
  const int64_t cells = planes.shape[2] * planes.shape[3];
  double sum = 0;
  for (int64_t image = 0; image < planes.shape[0]; ++image) {
    for (int64_t cell = 0; cell < cells; ++cell) {
      double product = 0;
      double own = 0;
      double other = 0;
      for (int64_t c = 0; c < channels; ++c) {
        const double a = rows.data.at((image * cells + cell) * channels + c);
        const double b = planes.data.at((image * channels + c) * cells + cell);
        product += a * b;
        own += a * a;
        other += b * b;
      }
      sum += 1 - product / std::sqrt(own * other);
    }
  }
  return sum / static_cast<double>(planes.shape[0] * cells);
}

// LITTLE blocks that add something, and alphas by which predictors learn: all begin at 0.
void leave_the_start(Student& student) {
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  for (const auto& [name, values] : student.torch->parameters()) {
    const bool is_routing =
        name.find(".little.") != std::string::npos || name.find("alpha") != std::string::npos;
    torch::Tensor handle = values;
    if (is_routing && values.abs().max().item<double>() == 0) handle.uniform_(0.05, 0.15);
  }
}

TEST_F(SegmentDistillTest, StartsAsTheTeacherWhereAllTakeTheBigPath) {
  Recipe r = student("out");
  r.keep_ratio = 1;
  r.epochs = 1;
  r.lr = r.min_lr = 0;
  train(r, {.threads = 1});
  const Result plain = encode(r.teacher);
  const Result routed = encode(r.output);
  EXPECT_EQ(routed.routes.at(1).shape, (Shape{1, 64}));
  EXPECT_THAT(routed.embedding.data, Pointwise(FloatNear(1e-4F), plain.embedding.data));
  EXPECT_THAT(encode(r.output, 0.25).embedding.data,
              testing::Not(Pointwise(FloatNear(1e-2F), plain.embedding.data)));
}

TEST_F(SegmentDistillTest, ReachesLittleBlocksPredictorsAndDecoder) {
  Recipe r = student("out");
  r.corrections = 6;
  Student student = make_student(r, {});
  leave_the_start(student);
  Objective objective = objective_of(r, student);
  EXPECT_FALSE(objective.classifies());
  Random random(1);
  objective.of(first_batch(r, student), random).value.backward();
  std::set<std::string> fixed;
  int routing = 0;
  for (const auto& [name, values] : student.torch->parameters()) {
    if (!values.requires_grad()) {
      fixed.insert(name);
      continue;
    }
    routing += name.find("little.") != std::string::npos || name.starts_with("predictors.") ? 1 : 0;
    const bool is_key_bias = name.ends_with("k_proj.bias");  // changes no softmax
    ASSERT_TRUE(values.grad().defined()) << name;
    EXPECT_TRUE(is_key_bias || values.grad().abs().sum().item<double>() > 0) << name;
  }
  EXPECT_GT(routing, 30);
  EXPECT_THAT(fixed, ElementsAre("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"));
}

// Beside the loss of masks, of the same prompts: the weight times 1 less the mean cosine.
TEST_F(SegmentDistillTest, AddsTheDistanceOfEmbeddingsToTheLossOfMasks) {
  Recipe r = student("out");
  r.feature_weight = 1.5;
  Student student = make_student(r, {});
  leave_the_start(student);
  const Batch batch = first_batch(r, student);
  const auto loss_of = [&](const std::string& distillation) {
    r.distillation = distillation;
    Random random(1);
    return objective_of(r, student).of(batch, random).value.item<double>();
  };
  const double of_masks = loss_of("none");
  const double both = loss_of("feature");

  const Array wanted = Model::load(r.teacher, {.threads = 1}).run(batch.images).embedding;
  const double mean = distance_of_rows(embedding_of(student, batch), wanted);
  EXPECT_GT(mean, 0.01);
  EXPECT_NEAR(both - of_masks, 1.5 * mean, 1e-4);
}

TEST_F(SegmentDistillTest, LearnsAndIsAModelForEveryCommand) {
  Recipe r = student("out");
  r.epochs = 20;
  r.log_every = 4;
  r.model_ema = 0.9;
  const Trained trained = train(r, {.threads = 1});
  EXPECT_FALSE(trained.stopped);
  const std::map<int64_t, std::string> losses = logged_losses(r.output);
  EXPECT_LT(std::stod(losses.rbegin()->second), 0.8 * std::stod(losses.begin()->second));

  const Segmenter segmenter = Segmenter::load(r.output, {.threads = 1});
  const Architecture& a = segmenter.encoder().architecture();
  ASSERT_TRUE(a.routing);
  EXPECT_THAT(a.routing->predict_after, ElementsAre(1, 2));
  EXPECT_EQ(a.routing->keep_ratio, 0.5);
  EXPECT_EQ(a.routing->little_width, 12);
  EXPECT_EQ(a.routing->little_heads, 2);
  EXPECT_EQ(segmenter.side(), 64);
  const EncodedPicture picture = segmenter.encode(read_image(folder_ / "data" / "train" / "3.png"));
  Prompt prompt;
  prompt.box = {20, 20, 40, 40};
  EXPECT_EQ(segmenter.ask(picture, std::vector{prompt})[0].masks.size(), 1U);

  // Half of a window of 9, of one of 6, and of one of 4 all.
  EXPECT_EQ(encode(r.output).routes.at(1).shape, (Shape{1, 4 * 4 + 4 * 4 + 4}));
}

TEST_F(SegmentDistillTest, StaysCloserToTheTeacherThanWithoutIt) {
  const auto distance = [&](const std::string& distillation) {
    Recipe r = student(distillation);
    r.distillation = distillation;
    r.epochs = 6;
    r.lr = 0.001;
    r.feature_weight = 10;
    train(r, {.threads = 1});
    Recipe again = plain_;
    again.model = r.output;
    const Student trained = make_student(again, {});
    const Batch batch = first_batch(r, trained);
    return distance_of_rows(embedding_of(trained, batch),
                            Model::load(r.teacher, {.threads = 1}).run(batch.images).embedding);
  };
  EXPECT_LT(distance("feature"), 0.5 * distance("none"));
}

TEST_F(SegmentDistillTest, GoesOnAsIfItHadNotEnded) {
  Recipe r = student("whole");
  r.epochs = 4;
  r.log_every = 1;
  r.model_ema = 0.9;
  train(r, {.threads = 1});
  const std::map<int64_t, std::string> whole = logged_losses(r.output);
  const std::string weights = read_text(r.output + "/model.safetensors");

  r.output = (folder_ / "parts").string();
  TrainOptions options{.threads = 1};
  int steps = 0;
  options.stop = [&] { return ++steps == 3; };
  EXPECT_TRUE(train(r, options).stopped);
  options.stop = [] { return false; };
  options.resume = true;
  train(r, options);
  EXPECT_EQ(logged_losses(r.output), whole);
  EXPECT_EQ(read_text(r.output + "/model.safetensors"), weights);
}

TEST_F(SegmentDistillTest, ANewPlainStudentLearnsFromAnEmbeddingToo) {
  Recipe r = student("out");
  r.big_little = false;
  r.width = 24;
  r.heads = 2;
  r.epochs = 1;
  train(r, {.threads = 1});
  const Segmenter segmenter = Segmenter::load(r.output, {.threads = 1});
  EXPECT_EQ(segmenter.encoder().architecture().width, 24);
  EXPECT_FALSE(segmenter.encoder().architecture().routing);
}

TEST_F(SegmentDistillTest, EvenlySpreadTokensLearnAsWell) {
  Recipe r = student("out");
  r.learned_routing = false;
  r.little_every = 0;
  r.epochs = 1;
  train(r, {.threads = 1});
  EXPECT_FALSE(Model::load(r.output, {.threads = 1}).architecture().routing->learned);
}

TEST_F(SegmentDistillTest, RefusesKeysThatDoNotGoTogether) {
  const auto refused = [&](auto change) {
    Recipe r = student("out");
    change(r);
    return error_of([&] { train(r, {.threads = 1}); });
  };
  EXPECT_THAT(refused([](Recipe& r) { r.distillation = "soft"; }),
              HasSubstr("objective is segment and distillation is soft; expected feature"));
  EXPECT_THAT(refused([](Recipe& r) {
                r.big_little = false;
                r.model = r.teacher;
                r.delta = true;
              }),
              HasSubstr("objective is segment; expected neither delta nor tune"));
  write_training_data(folder_ / "classes");
  EXPECT_THAT(
      refused([&](Recipe& r) {
        r.objective = "classes";
        r.data = (folder_ / "classes").string();
      }),
      HasSubstr("teacher: is a Segment Anything and objective is classes; expected segment"));
  EXPECT_THAT(refused([](Recipe& r) { r.cross_attention = false; }),
              HasSubstr("cross_attention is false; expected true for"));
  EXPECT_THAT(refused([](Recipe& r) { r.predict_after = {4}; }),
              HasSubstr("predict_after: of a model of 4 layers"));
  EXPECT_THAT(refused([](Recipe& r) { r.drop_path = 0.1; }), HasSubstr("drop_path is 0.1"));
  EXPECT_THAT(refused([](Recipe& r) { r.output = r.teacher; }), HasSubstr("holds the model"));
  EXPECT_THAT(refused([](Recipe& r) { r.teacher = golden_path("vit"); }),
              HasSubstr("has no mask decoder, so it can't segment"));
  EXPECT_THAT(refused([](Recipe& r) {
                r.big_little = false;
                r.teacher = golden_path("vit");
              }),
              HasSubstr("vit: is no Segment Anything; expected one where objective is segment"));
  EXPECT_THAT(refused([](Recipe& r) {
                r.big_little = false;
                r.neck = 48;
              }),
              HasSubstr("has embeddings of 32 channels and cells of 8 x 8 pixels, the student of "
                        "48 and 8 x 8; expected the same"));
  EXPECT_THAT(refused([](Recipe& r) {
                r.big_little = false;
                r.patch_size = 16;
              }),
              HasSubstr("the student of 32 and 16 x 16; expected the same"));
}

}  // namespace
}  // namespace fovea
