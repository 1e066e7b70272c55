// Training Segment Anything: what learns, and what is saved.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "fovea/data/batches.h"
#include "fovea/data/encoders.h"
#include "fovea/data/segmented.h"
#include "fovea/fovea.h"
#include "fovea/io/testing.h"
#include "fovea/model/testing.h"
#include "fovea/report/mask_scores.h"
#include "fovea/segmenter.h"
#include "fovea/train/batch_options.h"
#include "fovea/train/objective.h"
#include "fovea/train/trainer.h"
#include "tests/compare.h"
#include "tests/train/training_data.h"

namespace fovea {
namespace {

using testing::HasSubstr;

// A bright block in a dark picture, at places that the number tells, and the map of both.
void write_segments(const std::filesystem::path& folder, int number) {
  constexpr int kSide = 64;
  Image picture{kSide, kSide, {}};
  Image map{kSide, kSide, {}};
  Random random({static_cast<uint64_t>(number)});
  const int64_t left = random.below(32);
  const int64_t top = random.below(32);
  const int64_t width = 16 + random.below(16);
  const int64_t height = 16 + random.below(16);
  for (int64_t y = 0; y < kSide; ++y) {
    for (int64_t x = 0; x < kSide; ++x) {
      const bool in = x >= left && x < left + width && y >= top && y < top + height;
      picture.rgb.insert(picture.rgb.end(), 3, in ? 220 : 30);
      map.rgb.insert(map.rgb.end(), 3, in ? 1 : 0);
    }
  }
  std::filesystem::create_directories(folder);
  write_file(folder / (std::to_string(number) + ".png"), encode_png(picture));
  write_file(folder / (std::to_string(number) + "-0.png"), encode_png(map));
}

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
  SegmentTrainingTest() {
    for (int i = 0; i < 16; ++i) write_segments(folder_ / "data" / "train", i);
    recipe_.objective = "segment";
    recipe_.data = (folder_ / "data").string();
    recipe_.output = (folder_ / "out").string();
    recipe_.width = 48;
    recipe_.depth = 2;
    recipe_.heads = 3;
    recipe_.img_size = 64;
    recipe_.patch_size = 8;
    recipe_.window = 3;
    recipe_.global_every = 2;
    recipe_.neck = 32;
    recipe_.masks_per_image = 2;
    recipe_.corrections = 2;
    recipe_.scale = {0.5, 1};
    recipe_.batch_size = 8;
    recipe_.lr = 0.003;
    recipe_.warmup_epochs = 2;
    recipe_.log_every = 10;
    recipe_.amp = Amp::off;
  }

  TemporaryFolder folder_;
  Recipe recipe_;
};

TEST_F(SegmentTrainingTest, ReachesEveryWeight) {
  recipe_.corrections = 6;
  Student student = make_student(recipe_, {});
  Objective objective(recipe_, student, course_of(student.architecture, MergeOptions{}), {});
  EXPECT_FALSE(objective.classifies());
  const auto pictures = open_segmented(recipe_.data, "train");
  TrainingBatches batches(*pictures, batch_options(recipe_, student, Processes::alone()));
  batches.start(0, 0);
  Batch batch;
  ASSERT_TRUE(batches.next(batch));
  Random random(1);
  const Loss loss = objective.of(batch, random);
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
