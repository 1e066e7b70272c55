// Training Segment Anything: what learns, and what is saved.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "fovea/data/segmented.h"
#include "fovea/fovea.h"
#include "fovea/io/testing.h"
#include "fovea/model/testing.h"
#include "fovea/report/mask_scores.h"
#include "fovea/segmenter.h"
#include "fovea/train/objective.h"
#include "fovea/train/trainer.h"
#include "tests/compare.h"
#include "tests/train/segment_data.h"
#include "tests/train/training_data.h"

namespace fovea {
namespace {

using testing::HasSubstr;

// [B, C, h, w] -> [B, h w, C]
std::vector<float> rows_of(const Array& planes) {
  const int64_t channels = planes.shape[1];
  const int64_t cells = planes.shape[2] * planes.shape[3];
  std::vector<float> rows(planes.data.size());
  for (int64_t image = 0; image < planes.shape[0]; ++image) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t cell = 0; cell < cells; ++cell) {
        rows[(image * cells + cell) * channels + c] =
            planes.data[(image * channels + c) * cells + cell];
      }
    }
  }
  return rows;
}

class SegmentTrainingTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  Recipe recipe_ = segment_recipe(folder_.path());
};

TEST_F(SegmentTrainingTest, ReachesEveryWeight) {
  recipe_.corrections = 6;
  Student student = make_student(recipe_, {});
  Objective objective(recipe_, student, course_of(student.architecture, MergeOptions{}), {});
  EXPECT_FALSE(objective.classifies());
  Random random(1);
  const Loss loss = objective.of(first_batch(recipe_, student), random);
  EXPECT_TRUE(std::isfinite(loss.value.item<double>()));
  loss.value.backward();
  std::set<std::string> fixed;
  for (const auto& [name, values] : student.torch->parameters()) {
    if (!values.requires_grad()) {
      fixed.insert(name);
      continue;
    }
    const bool is_key_bias = name.ends_with("k_proj.bias");  // changes no softmax
    ASSERT_TRUE(values.grad().defined()) << name;
    EXPECT_TRUE(is_key_bias || values.grad().abs().sum().item<double>() > 0) << name;
  }
  EXPECT_THAT(fixed,
              testing::ElementsAre("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"));
}

TEST_F(SegmentTrainingTest, LearnsToFindBlocks) {
  recipe_.epochs = 60;
  const Trained trained = train(recipe_, {});
  EXPECT_FALSE(trained.stopped);
  EXPECT_EQ(trained.parameters, trained.trained_parameters + 32) << "frequencies are not trained";
  const std::map<int64_t, std::string> losses = logged_losses(recipe_.output);
  EXPECT_LT(std::stod(losses.rbegin()->second), 0.5 * std::stod(losses.begin()->second));

  // On pictures that it has not seen.
  for (int i = 100; i < 108; ++i) write_segments(folder_ / "data" / "test", i);
  const auto pictures = open_segmented(recipe_.data, "test");
  const Segmenter segmenter = Segmenter::load(recipe_.output);
  MaskScores scores({});
  for (int64_t i = 0; i < pictures->size(); ++i) {
    const SegmentedPicture picture = read_segmented(*pictures, i);
    const EncodedPicture encoded = segmenter.encode(picture.image);
    scores.add(i, picture.masks, [&](std::span<const Prompt> prompts) {
      std::vector<MaskAnswer> answers;
      for (PromptMasks& found : segmenter.ask(encoded, prompts)) {
        answers.push_back({std::move(found.masks), std::move(found.iou)});
      }
      return answers;
    });
  }
  for (const MaskScores::OfKind& kind : scores.kinds()) {
    EXPECT_GT(kind.iou.mean_best(), 0.85) << name_of(kind.kind);
  }
  EXPECT_GT(scores.kinds().back().iou.mean_by_estimate(), 0.85) << "of boxes";
}

TEST_F(SegmentTrainingTest, GoesOnAsIfItHadNotEnded) {
  recipe_.epochs = 4;
  recipe_.log_every = 1;
  train(recipe_, {});
  const std::map<int64_t, std::string> whole = logged_losses(recipe_.output);

  recipe_.output = (folder_ / "parts").string();
  TrainOptions options;
  int steps = 0;
  options.stop = [&] { return ++steps == 3; };
  EXPECT_TRUE(train(recipe_, options).stopped);
  options.stop = [] { return false; };
  options.resume = true;
  train(recipe_, options);
  EXPECT_EQ(logged_losses(recipe_.output), whole);
}

TEST_F(SegmentTrainingTest, GoesOnAtAnotherSize) {
  recipe_.epochs = 1;
  train(recipe_, {});
  const Array images = varied_images(2, 96);
  const Array want = Model::load(recipe_.output).run(images).embedding;

  Recipe larger = recipe_;
  larger.model = recipe_.output;
  larger.img_size = 96;
  larger.output = (folder_ / "larger").string();
  {
    const Student student = make_student(larger, {});
    EXPECT_EQ(student.segmentation->shape.grid, Grid(12, 12));
    const torch::NoGradGuard no_grad;
    const auto got = student.vit.forward(*student.torch, input_of(images),
                                         course_of(student.architecture, MergeOptions{}));
    EXPECT_LE(
        relative_error(student.torch->read(got.embedding), Array({2, 144, 32}, rows_of(want))),
        1e-5);
  }
  train(larger, {});
  EXPECT_EQ(Segmenter::load(larger.output).side(), 96);
  larger.img_size = 24;
  EXPECT_THAT(error_of([&] { train(larger, {}); }), HasSubstr("window is 3"));
}

TEST_F(SegmentTrainingTest, RefusesKeysThatDoNotGoTogether) {
  const auto refused = [&](auto change) {
    Recipe recipe = recipe_;
    change(recipe);
    return error_of([&] { train(recipe, {}); });
  };
  EXPECT_THAT(refused([](Recipe& r) { r.window = 8; }), HasSubstr("window is 8"));
  EXPECT_THAT(refused([](Recipe& r) { r.global_every = 3; }), HasSubstr("global_every is 3"));
  EXPECT_THAT(refused([](Recipe& r) { r.neck = 40; }), HasSubstr("neck is 40"));
  EXPECT_THAT(refused([](Recipe& r) {
                r.tune = "mlp";
                r.model = "x";
              }),
              HasSubstr("objective is segment"));
  EXPECT_THAT(refused([&](Recipe& r) { r.train_split = "none"; }), HasSubstr("none"));
}

}  // namespace
}  // namespace fovea
