// Segment Anything's prompt encoder and mask decoder on the torch backend: the goldens, what the
// CPU backend answers, gradients of all that is trained.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/backend/torch/torch.h"
#include "fovea/segment/segmentation.h"
#include "tests/compare.h"
#include "tests/goldens_sam.h"
#include "tests/train/gradients.h"

namespace fovea {
namespace {

static_assert(SegmentBackend<Torch>);

template <SegmentBackend B>
Segmentation<B> load(B& b, const std::string& name) {
  const Checkpoint checkpoint = Checkpoint::open(sam_golden(name));
  CheckpointWeights weights(checkpoint);
  return Segmentation<B>::load(b, weights, infer_decoder(checkpoint, sam_config(name)));
}

template <SegmentBackend B>
std::vector<Answer> answers_of(B& b, const std::string& name, const SamGolden& golden) {
  const Segmentation<B> model = load(b, name);
  return model.answer(b, model.encode(b, b.write(golden.embedding), golden.cells), golden.prompts);
}

void expect_near(const Answer& got, const Answer& want, double tolerance) {
  ASSERT_EQ(got.logits.shape, want.logits.shape);
  EXPECT_LE(relative_error(got.logits, want.logits), tolerance);
  const auto count = static_cast<int64_t>(want.iou.size());
  EXPECT_LE(relative_error(Array({count}, got.iou), Array({count}, want.iou)), tolerance);
}

TEST(TorchSegmentation, MeetsTheGoldensAndTheCpuBackend) {
  const torch::NoGradGuard no_grad;
  for (const std::string& name : kSamGoldens) {
    const SamGolden golden = read_sam_golden(name);
    Torch torch;
    Cpu cpu(available_levels().back(), Dtype::f32, std::make_shared<Threads>(1));
    const std::vector<Answer> got = answers_of(torch, name, golden);
    const std::vector<Answer> ours = answers_of(cpu, name, golden);
    for (size_t i = 0; i < got.size(); ++i) {
      SCOPED_TRACE(name + " " + golden.prompts[i].name);
      expect_near(got[i], golden.answers[i], 2e-4);
      expect_near(got[i], ours[i], 2e-5);
    }
  }
}

TEST(TorchSegmentation, AllThatIsTrainedHasGradients) {
  torch::manual_seed(1);
  const SamGolden golden = read_sam_golden("sam");
  Torch torch(torch::kCPU, torch::kDouble);
  const Segmentation<Torch> model = load(torch, "sam");
  const TorchTensor embedding = torch.write(golden.embedding);
  std::vector<GradientInput> inputs = {{"embedding", embedding.rows.set_requires_grad(true)}};
  std::set<std::string> fixed;
  for (const TorchParameter& parameter : torch.parameters()) {
    if (parameter.values.requires_grad()) {
      inputs.push_back({parameter.name, parameter.values});
    } else {
      fixed.insert(parameter.name);
    }
  }
  EXPECT_EQ(fixed,
            (std::set<std::string>{"prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"}));
  // A point, points and a box of other numbers of tokens together, then what has a mask.
  std::vector<const Prompt*> plain;
  std::vector<const Prompt*> masked;
  for (const Prompt& prompt : golden.prompts) {
    (prompt.mask.empty() ? plain : masked).push_back(&prompt);
  }
  expect_gradients(
      [&] {
        const Encoded<Torch> picture = model.encode(torch, embedding, golden.cells);
        std::vector<torch::Tensor> all;
        for (const Prompts prompts : {Prompts(plain), Prompts(masked)}) {
          const Decoded<Torch> decoded = model.decode(torch, picture, prompts);
          all.push_back(decoded.masks.rows);
          all.push_back(10 * decoded.iou.rows);
        }
        return torch::cat(all);
      },
      inputs, 1e-7);  // ReLU has a kink
}

TEST(TorchSegmentation, SavesWhatItWasLoadedFrom) {
  Torch torch;
  load(torch, "sam");
  const Checkpoint checkpoint = Checkpoint::open(sam_golden("sam"));
  size_t count = 0;
  for (const Weight& weight : torch.weights()) {
    ++count;
    EXPECT_EQ(weight.values.data, checkpoint.read(weight.name, weight.values.shape).data)
        << weight.name;
  }
  EXPECT_EQ(count, checkpoint.all_under("prompt_encoder.").size() +
                       checkpoint.all_under("mask_decoder.").size());
}

}  // namespace
}  // namespace fovea
