// Prompts through Segment Anything's prompt encoder and mask decoder: the goldens, at every
// instruction set and in both number formats, and what they may not depend on.
#include "fovea/segment/segmentation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <tuple>
#include <vector>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/backend/shapes/shapes.h"
#include "fovea/io/testing.h"
#include "tests/compare.h"
#include "tests/goldens_sam.h"

namespace fovea {
namespace {

static_assert(SegmentBackend<Cpu> && SegmentBackend<Shapes>);

struct Loaded {
  Cpu cpu;
  Segmentation<Cpu> model;

  Loaded(const std::string& name, InstructionSet level, Dtype dtype, int threads = 2)
      : cpu(level, dtype, std::make_shared<Threads>(threads)), model(load(cpu, name)) {}

  Encoded<Cpu> encode(const SamGolden& golden) {
    return model.encode(cpu, cpu.write(golden.embedding), golden.cells);
  }

 private:
  static Segmentation<Cpu> load(Cpu& cpu, const std::string& name) {
    const Checkpoint checkpoint = Checkpoint::open(sam_golden(name));
    CheckpointWeights weights(checkpoint);
    return Segmentation<Cpu>::load(cpu, weights, infer_decoder(checkpoint, sam_config(name)));
  }
};

void expect_same(const Answer& got, const Answer& want) {
  EXPECT_EQ(got.logits.shape, want.logits.shape);
  EXPECT_EQ(got.logits.data, want.logits.data);
  EXPECT_EQ(got.iou, want.iou);
}

void expect_near(const Answer& got, const Answer& want, double tolerance) {
  ASSERT_EQ(got.logits.shape, want.logits.shape);
  EXPECT_LE(relative_error(got.logits, want.logits), tolerance);
  const auto count = static_cast<int64_t>(want.iou.size());
  EXPECT_LE(relative_error(Array({count}, got.iou), Array({count}, want.iou)), tolerance);
}

class SegmentationGoldens : public testing::TestWithParam<std::tuple<std::string, Dtype>> {};

TEST_P(SegmentationGoldens, AreMetAtAllLevels) {
  const auto& [name, dtype] = GetParam();
  const SamGolden golden = read_sam_golden(name);
  ASSERT_GE(golden.prompts.size(), 4U);
  for (const InstructionSet level : available_levels()) {
    Loaded loaded(name, level, dtype);
    const std::vector<Answer> answers =
        loaded.model.answer(loaded.cpu, loaded.encode(golden), golden.prompts);
    ASSERT_EQ(answers.size(), golden.prompts.size());
    for (size_t i = 0; i < answers.size(); ++i) {
      SCOPED_TRACE(golden.prompts[i].name + " at " + to_string(level));
      expect_near(answers[i], golden.answers[i], dtype == Dtype::f32 ? 2e-4 : 5e-2);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, SegmentationGoldens,
                         testing::Combine(testing::ValuesIn(kSamGoldens),
                                          testing::Values(Dtype::f32, Dtype::bf16)),
                         [](const auto& info) {
                           std::string name = std::get<0>(info.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name + (std::get<1>(info.param) == Dtype::f32 ? "" : "_bf16");
                         });

// More prompts than are answered at once: those of the case again and again, each a bit elsewhere.
std::vector<Prompt> many_prompts(const SamGolden& golden) {
  std::vector<Prompt> many;
  for (int i = 0; i < 21; ++i) {
    Prompt prompt = golden.prompts[i % golden.prompts.size()];
    for (auto& [x, y] : prompt.points) x += static_cast<float>(i) * 0.25F;
    prompt.multimask = i % 3 != 0;
    many.push_back(std::move(prompt));
  }
  return many;
}

TEST(Segmentation, AnswersToThePromptAlone) {
  const SamGolden golden = read_sam_golden("sam");
  const std::vector<Prompt> prompts = many_prompts(golden);
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    Loaded loaded("sam", available_levels().back(), dtype);
    Loaded with_one_thread("sam", available_levels().back(), dtype, 1);
    const Encoded<Cpu> picture = loaded.encode(golden);
    const std::vector<Answer> together = loaded.model.answer(loaded.cpu, picture, prompts);
    for (size_t i = 0; i < prompts.size(); ++i) {
      SCOPED_TRACE(i);
      EXPECT_EQ(together[i].logits.shape[0], prompts[i].multimask ? 3 : 1);
      const auto alone = with_one_thread.model.answer(with_one_thread.cpu, picture,
                                                      std::span(prompts).subspan(i, 1));
      expect_same(together[i], alone[0]);
    }
  }
}

TEST(Segmentation, LeavesThePictureAsItIs) {
  const SamGolden golden = read_sam_golden("sam");
  Loaded loaded("sam", available_levels().back(), Dtype::f32);
  const Encoded<Cpu> picture = loaded.encode(golden);
  const std::vector<Answer> first = loaded.model.answer(loaded.cpu, picture, golden.prompts);
  const std::vector<Answer> again = loaded.model.answer(loaded.cpu, picture, golden.prompts);
  for (size_t i = 0; i < first.size(); ++i) expect_same(again[i], first[i]);
}

TEST(Segmentation, ThreadsMayAskOfOnePicture) {
  const SamGolden golden = read_sam_golden("sam");
  Loaded loaded("sam", available_levels().back(), Dtype::f32);
  const Encoded<Cpu> picture = loaded.encode(golden);
  const std::vector<Answer> want = loaded.model.answer(loaded.cpu, picture, golden.prompts);
  std::vector<std::vector<Answer>> got(3);
  std::vector<std::thread> threads;
  for (std::vector<Answer>& answers : got) {
    threads.emplace_back([&] {
      Cpu own(available_levels().back(), Dtype::f32, std::make_shared<Threads>(1));
      answers = loaded.model.answer(own, picture, golden.prompts);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<Answer>& answers : got) {
    for (size_t i = 0; i < want.size(); ++i) expect_same(answers[i], want[i]);
  }
}

TEST(Segmentation, NamesAMaskOrAnEmbeddingOfAnotherSize) {
  const SamGolden golden = read_sam_golden("sam");
  Loaded loaded("sam", available_levels().back(), Dtype::f32);
  const Encoded<Cpu> picture = loaded.encode(golden);
  Prompt prompt;
  prompt.name = "again";
  prompt.mask = Array({1, 16, 16});
  EXPECT_EQ(error_of([&] {
              loaded.model.answer(loaded.cpu, picture, {&prompt, 1});
            }),
            "prompt again: its mask is [1, 16, 16]; expected [1, 32, 32]");
  EXPECT_EQ(error_of([&] {
              loaded.model.encode(loaded.cpu, loaded.cpu.write(golden.embedding), {4, 8});
            }),
            "the embedding is [64, 32]; expected [32, 32] for 4 x 8 cells of this model");
}

// As ../spec/segment-anything.md counts: 3.6 GFLOP for one point, of which 0.8 depend on the
// picture alone.
TEST(Segmentation, CostsWhatThePublishedModelsDo) {
  class NoValues : public WeightSource {
    Array values(const std::string& /*name*/, const Shape& shape, Start /*start*/) override {
      return {shape, {}};
    }
  } none;
  Shapes b;
  const DecoderShape shape;
  const auto model = Segmentation<Shapes>::load(b, none, shape);
  const Encoded<Shapes> picture = model.encode(b, {4096, 256}, shape.grid);
  const int64_t once = b.multiply_adds();
  EXPECT_EQ(once, 3 * 4096 * 256 * 128);  // 0.8 GFLOP
  Prompt point;
  point.points = {{100, 200}};
  point.labels = {1};
  const Prompt* const prompts[] = {&point};
  const Decoded<Shapes> decoded = model.decode(b, picture, prompts);
  EXPECT_EQ(decoded.masks.tokens, 256 * 256);
  EXPECT_EQ(decoded.masks.width, 4);
  EXPECT_EQ(decoded.iou.width, 4);
  EXPECT_NEAR(2e-9 * static_cast<double>(b.multiply_adds()), 3.6, 0.05);
}

}  // namespace
}  // namespace fovea
