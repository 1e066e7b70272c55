// Segment Anything behind its image encoder: a picture's embedding is looked at once, then prompts
// are answered.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fovea/segment/answer.h"
#include "fovea/segment/mask_decoder.h"
#include "fovea/segment/prompt.h"
#include "fovea/segment/prompt_encoder.h"
#include "fovea/segment/prompt_rows.h"

namespace fovea {

// What depends on the picture alone. May be read by several backends at once (Backend::keep).
template <SegmentBackend B>
struct Encoded {
  Grid cells;
  typename B::Tensor embedding;  // [1, h w, C]
  Cells<B> unmasked;             // what the decoder works on where there is no mask
  SeenPicture<B> seen;           // and what its first layer sees in it
};

template <SegmentBackend B>
struct Segmentation {
  DecoderShape shape;
  PromptEncoder<B> prompt_encoder;
  MaskDecoder<B> mask_decoder;

  // Throws Error naming the tensor that is missing or has another shape.
  static Segmentation load(B& b, WeightSource& weights, const DecoderShape& shape) {
    auto prompt_encoder = PromptEncoder<B>::load(b, weights, shape);
    return {shape, std::move(prompt_encoder), MaskDecoder<B>::load(b, weights, shape)};
  }

  // embedding: [1, h w, C], the rows of h x w cells one after the other. Throws Error where it has
  // other extents.
  Encoded<B> encode(B& b, const typename B::Tensor& embedding, const Grid& cells) const {
    check_embedding({b.sequences(embedding).back(), embedding.channels()}, cells, shape.width);
    Encoded<B> picture{cells, b.keep(embedding), {}, {}};
    picture.unmasked.features = b.keep(b.add(embedding, b.repeat(prompt_encoder.no_mask, 1)));
    picture.unmasked.places = b.keep(b.write(prompt_encoder.code.of(cells)));
    const SeenPicture<B> seen = mask_decoder.layers[0].see(b, picture.unmasked);
    picture.seen = {b.keep(seen.k), b.keep(seen.v), b.keep(seen.q)};
    return picture;
  }

  // Prompts as check_prompt lets them pass, in pixels of the input; all of them with a mask, or
  // none. Throws Error naming a prompt whose mask has other sides than the input's over 4.
  Decoded<B> decode(B& b, const Encoded<B>& picture, Prompts prompts) const {
    const Grid input = picture.cells * Grid(shape.patch, shape.patch);
    const PromptRows rows = prompt_rows(prompts, prompt_encoder.code, shape.masks, input);
    const typename B::Tensor tokens =
        b.add(b.gather(embeddings(b), rows.tokens), b.write(rows.codes));
    if (prompts[0]->mask.empty()) {
      return mask_decoder.forward(b, tokens, picture.unmasked, picture.seen);
    }
    const Array masks = joined_masks(prompts, picture.cells);
    const Cells<B> masked = {b.add(prompt_encoder.encode(b, masks), picture.embedding),
                             picture.unmasked.places};
    return mask_decoder.forward(b, tokens, masked, mask_decoder.layers[0].see(b, masked));
  }

  // An answer to each prompt, whatever the others are: to the bit what it is alone. Otherwise as
  // decode(). Beside the answers it takes the memory of a few prompts at most.
  std::vector<Answer> answer(B& b, const Encoded<B>& picture,
                             std::span<const Prompt> prompts) const {
    std::vector<Answer> answers(prompts.size());
    for (const std::vector<size_t>& group : prompt_groups(prompts, kMostAtOnce)) {
      std::vector<const Prompt*> asked;
      for (const size_t i : group) asked.push_back(&prompts[i]);
      const Decoded<B> decoded = decode(b, picture, asked);
      const Array logits = b.read(decoded.masks);
      const Array iou = b.read(decoded.iou);
      const int64_t each = 16 * picture.cells.size() * shape.masks;
      for (size_t i = 0; i < group.size(); ++i) {
        const auto at = static_cast<int64_t>(i);
        answers[group[i]] =
            answer_of({logits.data.data() + at * each, static_cast<size_t>(each)},
                      {iou.data.data() + at * shape.masks, static_cast<size_t>(shape.masks)},
                      prompts[group[i]].multimask, picture.cells);
      }
    }
    return answers;
  }

 private:
  // What more of them need leaves the caches, and takes longer than one after the other.
  static constexpr size_t kMostAtOnce = 4;

  // The table that PromptRows takes tokens from.
  typename B::Tensor embeddings(B& b) const {
    std::vector<typename B::Rows> tables = {mask_decoder.iou_token, mask_decoder.mask_tokens};
    tables.insert(tables.end(), prompt_encoder.embeddings.begin(), prompt_encoder.embeddings.end());
    return b.join(tables);
  }
};

}  // namespace fovea
