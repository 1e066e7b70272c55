#include "fovea/train/mae.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "fovea/backend/torch/padding.h"
#include "fovea/io/fail.h"
#include "fovea/train/grid_positions.h"

namespace fovea {
namespace {

Architecture decoder_of(const Architecture& encoder, const MaeOptions& options) {
  if (options.decoder_width % 4 != 0 || options.decoder_width % options.decoder_heads != 0) {
    fail("a decoder of width {} with {} heads; expected a multiple of 4 and of the heads",
         options.decoder_width, options.decoder_heads);
  }
  Architecture decoder;
  decoder.width = options.decoder_width;
  decoder.depth = options.decoder_depth;
  decoder.block.heads = options.decoder_heads;
  decoder.block.mlp_width = 4 * options.decoder_width;
  decoder.block.eps = encoder.block.eps;
  return decoder;
}

// [B, T, C] of equally long sequences.
TorchTensor tensor_of(const torch::Tensor& block) {
  return {block.flatten(0, 1), even_sequences(block.size(0), block.size(1))};
}

TorchTensor run_blocks(Torch& torch, const std::vector<Block<Torch>>& blocks, TorchTensor x) {
  Reduction<Torch> none(merge_course({}, static_cast<int>(blocks.size())), *x.first, 0);
  for (const Block<Torch>& block : blocks) x = block.forward(torch, std::move(x), none);
  return x;
}

// Rows b * P + patch, for the visible patches of each image b.
std::vector<int32_t> rows_of(std::span<const int32_t> visible, int64_t batch, int64_t patches) {
  std::vector<int32_t> rows(visible.begin(), visible.end());
  const size_t each = visible.size() / batch;
  for (size_t i = 0; i < rows.size(); ++i) rows[i] += static_cast<int32_t>(i / each * patches);
  return rows;
}

// All rows of [0, count) but `rows`, which ascend.
std::vector<int32_t> others(std::span<const int32_t> rows, int64_t count) {
  std::vector<int32_t> all(count);
  std::iota(all.begin(), all.end(), 0);
  std::vector<int32_t> rest;
  std::set_difference(all.begin(), all.end(), rows.begin(), rows.end(), std::back_inserter(rest));
  return rest;
}

torch::Tensor normalised(const torch::Tensor& patches) {
  const torch::Tensor mean = patches.mean(1, /*keepdim=*/true);
  const torch::Tensor variance = patches.var(1, /*unbiased=*/true, /*keepdim=*/true);
  return (patches - mean) / (variance + 1e-6).sqrt();
}

}  // namespace

std::vector<int32_t> draw_visible(int64_t batch, int64_t patches, int64_t visible, Random& random) {
  std::vector<int32_t> drawn;
  std::vector<int32_t> order(patches);
  for (int64_t b = 0; b < batch; ++b) {
    std::iota(order.begin(), order.end(), 0);
    for (int64_t i = 0; i < visible; ++i) {
      std::swap(order[i], order[i + random.below(patches - i)]);
    }
    std::sort(order.begin(), order.begin() + visible);
    drawn.insert(drawn.end(), order.begin(), order.begin() + visible);
  }
  return drawn;
}

std::vector<int32_t> draw_visible_tubes(int64_t batch, const Grid& grid, double mask_ratio,
                                        Random& random) {
  const int64_t cells = grid.frame_size();
  const auto count = static_cast<int64_t>((1 - mask_ratio) * static_cast<double>(cells) + 1e-9);
  if (count < 1 || count >= cells) {
    fail("a mask of {} of {} patches; expected some visible and some masked", mask_ratio, cells);
  }
  const std::vector<int32_t> of_frame = draw_visible(batch, cells, count, random);
  std::vector<int32_t> visible;
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t frame = 0; frame < grid.frames; ++frame) {
      for (int64_t i = b * count; i < (b + 1) * count; ++i) {
        visible.push_back(of_frame[i] + static_cast<int32_t>(frame * cells));
      }
    }
  }
  return visible;
}

MaeDecoder::MaeDecoder(const Architecture& encoder, const MaeOptions& options, uint64_t seed,
                       torch::Device device, torch::ScalarType dtype)
    : options_(options), prefix_(encoder.prefix()), torch_(device, dtype) {
  const Architecture decoder = decoder_of(encoder, options);
  InitialWeights weights(seed, 1);
  embed_ = read_linear(torch_, weights, "embed", encoder.width, decoder.width);
  mask_token_ = torch_.make_rows(weights.named("mask_token", {1, 1, decoder.width}));
  for (int layer = 0; layer < decoder.depth; ++layer) {
    blocks_.push_back(Block<Torch>::load(torch_, weights, decoder.layer(layer), layer));
  }
  norm_ = read_norm(torch_, weights, "norm", decoder.width, decoder.block.eps);
  const int64_t pixels = encoder.in_channels * encoder.patch.size();
  pred_ = read_linear(torch_, weights, "pred", decoder.width, pixels);
}

std::vector<TorchParameter> MaeDecoder::parameters() const {
  std::vector<TorchParameter> parameters = torch_.parameters();
  for (TorchParameter& parameter : parameters) parameter.name.insert(0, "decoder_");
  return parameters;
}

torch::Tensor MaeDecoder::paint(const TorchTensor& encoded, std::span<const int32_t> visible,
                                const Grid& grid) {
  const int64_t batch = encoded.batch();
  const int64_t patches = grid.size();
  const int64_t width = options_.decoder_width;
  const torch::Tensor seen = torch_.linear(encoded, embed_).rows.view({batch, -1, width});
  const torch::Tensor unseen = mask_token_[0].expand({batch * patches, -1}).clone();
  const torch::Tensor index = index_tensor(rows_of(visible, batch, patches), unseen.device());
  const torch::Tensor all = unseen.index_copy(0, index, seen.slice(1, prefix_).flatten(0, 1));
  const torch::Tensor placed =
      all.view({batch, patches, width}) + grid_positions(grid, width).to(all.options());
  const TorchTensor x =
      run_blocks(torch_, blocks_, tensor_of(torch::cat({seen.slice(1, 0, prefix_), placed}, 1)));
  const torch::Tensor painted = torch_.linear(torch_.layer_norm(x, norm_), pred_).rows;
  return painted.view({batch, prefix_ + patches, -1}).slice(1, prefix_).flatten(0, 1);
}

torch::Tensor MaePainting::loss() const {
  return (pixels - targets).index_select(0, masked).square().mean();
}

MaePainting mae_paint(Torch& torch, const Vit<Torch>& vit, MaeDecoder& decoder, const Input& input,
                      Random& random) {
  const Architecture& a = vit.architecture;
  const Grid grid = a.patches_of(input.grid);
  const int64_t patches = grid.size();
  const std::vector<int32_t> visible =
      draw_visible_tubes(input.batch, grid, decoder.options().mask_ratio, random);
  const auto count = static_cast<int64_t>(visible.size()) / input.batch;
  const std::vector<int32_t> kept = rows_of(visible, input.batch, patches);

  // Positions are added to all patches, then the visible ones are taken.
  const torch::Tensor embedded = vit.patch_embed.forward(torch, input).rows;
  const torch::Tensor block = embedded.view({input.batch, a.prefix() + patches, a.width});
  const torch::Tensor shown = block.slice(1, a.prefix())
                                  .flatten(0, 1)
                                  .index_select(0, index_tensor(kept, block.device()))
                                  .view({input.batch, count, a.width});
  TorchTensor x = run_blocks(torch, vit.blocks,
                             tensor_of(torch::cat({block.slice(1, 0, a.prefix()), shown}, 1)));
  if (vit.norm) x = torch.layer_norm(x, *vit.norm);

  std::vector<float> turned;
  const Input seen = a.frequency_first ? transposed(input, turned) : input;
  const torch::Tensor pixels = torch.patches(seen, a.patch, a.step(), {}).rows;
  return {decoder.paint(x, visible, grid), decoder.options().norm_pix ? normalised(pixels) : pixels,
          index_tensor(others(kept, input.batch * patches), block.device())};
}

}  // namespace fovea
