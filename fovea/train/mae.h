// Masked pre-training (He and others, "Masked Autoencoders Are Scalable Vision Learners", 2021): a
// model sees a quarter of the patches, and a small decoder has to paint the others.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "fovea/backend/input.h"
#include "fovea/backend/torch/torch.h"
#include "fovea/io/random.h"
#include "fovea/model/vit.h"

namespace fovea {

struct MaeOptions {
  double mask_ratio = 0.75;  // of a frame's patches, that the encoder does not see
  int decoder_width = 512;   // a multiple of 4 and of the heads
  int decoder_depth = 8;
  int decoder_heads = 16;
  bool norm_pix = true;  // pixels are predicted relative to the mean and deviation of their patch
};

// Which patches of each image stay visible: [batch, visible], those of an image ascending.
std::vector<int32_t> draw_visible(int64_t batch, int64_t patches, int64_t visible, Random& random);

// The same of videos: in each frame of tubes the same cells, a share of (1 - mask_ratio) of them
// (Tong and others, "VideoMAE", 2022: what is masked in one frame can't be seen in the next).
// Throws Error where none would be visible or none masked.
std::vector<int32_t> draw_visible_tubes(int64_t batch, const Grid& grid, double mask_ratio,
                                        Random& random);

// Paints patches. It is thrown away after pre-training, so its weights are none of the model's.
class MaeDecoder {
 public:
  // `encoder`: of the model that is pre-trained. Throws Error for options that don't go together.
  MaeDecoder(const Architecture& encoder, const MaeOptions& options, uint64_t seed,
             torch::Device device = torch::kCPU, torch::ScalarType dtype = torch::kFloat);

  const MaeOptions& options() const { return options_; }
  // Under names that no model has: "decoder_blocks.0.attns.0.norm.weight".
  std::vector<TorchParameter> parameters() const;
  // What the encoder made of the prefix and the visible patches, [B, p + visible, C] -> the pixels
  // of all patches of the grid, [B * P, channels * h * w].
  torch::Tensor paint(const TorchTensor& encoded, std::span<const int32_t> visible,
                      const Grid& grid);

 private:
  MaeOptions options_;
  int prefix_;
  Torch torch_;
  TorchLinear embed_;
  torch::Tensor mask_token_;  // [1, 1, decoder_width]
  std::vector<Block<Torch>> blocks_;
  TorchNorm norm_;
  TorchLinear pred_;
};

struct MaePainting {
  torch::Tensor pixels;   // [B * P, channels * h * w], by the decoder
  torch::Tensor targets;  // the same, what they should be
  torch::Tensor masked;   // rows of patches that were not visible

  // The mean squared error over what was not visible.
  torch::Tensor loss() const;
};

// Draws what stays visible, and has the rest painted. The input is made of whole patches. The
// model's head takes no part: its parameters get no gradient. Throws Error where the mask would
// leave nothing visible or nothing masked.
MaePainting mae_paint(Torch& torch, const Vit<Torch>& vit, MaeDecoder& decoder, const Input& input,
                      Random& random);

inline torch::Tensor mae_loss(Torch& torch, const Vit<Torch>& vit, MaeDecoder& decoder,
                              const Input& input, Random& random) {
  return mae_paint(torch, vit, decoder, input, random).loss();
}

}  // namespace fovea
