#include "fovea/train/mask_rounds.h"

#include <torch/torch.h>

#include <vector>

#include "fovea/segment/drawn_prompts.h"
#include "fovea/train/mask_loss.h"

namespace fovea {
namespace {

// Whether the prompt may mean several things: then one mask alone is not asked of the model.
bool is_ambiguous(const Prompt& prompt) { return prompt.points.size() == 1 && !prompt.box; }

// The rounds of one picture.
class Rounds {
 public:
  Rounds(Torch& torch, const Segmentation<Torch>& segmentation, const TorchTensor& embedding,
         const Grid& cells, std::span<const SquareMask> truths, Random& random)
      : torch_(torch),
        segmentation_(segmentation),
        picture_(segmentation.encode(torch, embedding, cells)),
        pixels_(pixels_of_rows(cells)),
        truths_(truths),
        side_(4 * cells.rows),
        random_(random) {
    torch::Tensor rows = torch::empty({count(), per_mask()});
    auto* out = rows.data_ptr<float>();
    for (const SquareMask& truth : truths) {
      for (const int32_t pixel : pixels_) *out++ = truth[pixel];
      prompts_.push_back(first_prompt(mask_of(prompts_.size()), random));
    }
    truth_ = rows.to(torch.device());
  }

  // Asks, and gives the loss of each prompt's answers: of the three masks, the best of which
  // counts, and of the one that is asked for where a prompt is clear.
  torch::Tensor ask() {
    std::vector<const Prompt*> asked;
    std::vector<float> clear;
    for (const Prompt& prompt : prompts_) {
      asked.push_back(&prompt);
      clear.push_back(is_ambiguous(prompt) ? 0.0F : 1.0F);
    }
    const Decoded<Torch> decoded = segmentation_.decode(torch_, picture_, asked);
    logits_ = decoded.masks.rows.view({count(), per_mask(), -1}).transpose(1, 2);
    estimates_ = decoded.iou.rows.view({count(), -1});
    const torch::Tensor single = torch::tensor(clear).to(truth_.device());
    const torch::Tensor one = mask_loss(logits_.slice(1, 0, 1), estimates_.slice(1, 0, 1), truth_);
    const torch::Tensor three = mask_loss(logits_.slice(1, 1), estimates_.slice(1, 1), truth_);
    return (three + single * one) / (1 + single);
  }

  // Adds to each prompt a point where its answer is wrong.
  void correct() {
    const bool with_masks = random_.chance(0.5);
    const torch::Tensor best =
        (1 + estimates_.detach().slice(1, 1).argmax(1)).to(torch::kCPU).contiguous();
    const torch::Tensor logits = logits_.detach().to(torch::kCPU, torch::kFloat);
    for (size_t i = 0; i < prompts_.size(); ++i) {
      Prompt& prompt = prompts_[i];
      const auto at = static_cast<int64_t>(i);
      const int64_t chosen = is_ambiguous(prompt) ? best[at].item<int64_t>() : 0;
      const torch::Tensor rows = logits[at][chosen].contiguous();
      Array mask({1, side_, side_});
      for (size_t row = 0; row < pixels_.size(); ++row) {
        mask.data[pixels_[row]] = rows.data_ptr<float>()[row];
      }
      add_correction(mask_of(i), mask.data, random_, prompt);
      prompt.mask = with_masks ? std::move(mask) : Array();
    }
  }

 private:
  int64_t count() const { return static_cast<int64_t>(truths_.size()); }
  int64_t per_mask() const { return static_cast<int64_t>(pixels_.size()); }
  TrainingMask mask_of(size_t i) const {
    return {truths_[i], side_, static_cast<float>(segmentation_.shape.patch) / 4};
  }

  Torch& torch_;
  const Segmentation<Torch>& segmentation_;
  Encoded<Torch> picture_;
  std::vector<int32_t> pixels_;  // of the square, that the decoder's rows are
  std::span<const SquareMask> truths_;
  int side_;
  Random& random_;
  torch::Tensor truth_;  // [P, n], in the decoder's order
  std::vector<Prompt> prompts_;
  torch::Tensor logits_;     // [P, masks, n], of the last answers
  torch::Tensor estimates_;  // [P, masks]
};

}  // namespace

torch::Tensor mask_rounds_loss(Torch& torch, const Segmentation<Torch>& segmentation,
                               const TorchTensor& embedding, const Grid& cells,
                               std::span<const SquareMask> truths, int corrections,
                               Random& random) {
  Rounds rounds(torch, segmentation, embedding, cells, truths, random);
  std::vector<torch::Tensor> losses = {rounds.ask()};
  for (int i = 0; i < corrections; ++i) {
    rounds.correct();
    losses.push_back(rounds.ask());
  }
  return torch::stack(losses).mean();
}

}  // namespace fovea
