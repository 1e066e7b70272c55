// A Segment Anything that learns: what a new one is made of, and one made for another size.
#pragma once

#include <string>
#include <utility>

#include "fovea/model/architecture.h"
#include "fovea/model/weights.h"
#include "fovea/segment/decoder_shape.h"
#include "fovea/train/recipe.h"

namespace fovea {

// Its image encoder and its decoder. Throws Error for keys that don't go together.
Architecture new_encoder(const Recipe& recipe);
DecoderShape new_decoder(const Recipe& recipe);

// What a new decoder starts from: as another source has it, but linear layers as the original's
// begin, as convolutions do. Much smaller ones take long to tell prompts apart.
class DecoderStart : public WeightSource {
 public:
  explicit DecoderStart(WeightSource& source) : source_(source) {}

 private:
  Array values(const std::string& name, const Shape& shape, Start start) override;

  WeightSource& source_;
};

// Makes an encoder one for images of `size` pixels: its positions, and the tables of layers that
// see all, are then made for that grid of patches.
void resize_encoder(const Grid& size, Architecture& architecture);

// The weights of an encoder made for another size, resampled as inference would.
class ResizedEncoder : public WeightSource {
 public:
  // from: what the source has; to: the same resized. The source must outlive it.
  ResizedEncoder(WeightSource& source, Architecture from, Architecture to)
      : source_(source), from_(std::move(from)), to_(std::move(to)) {}

 private:
  Array values(const std::string& name, const Shape& shape, Start start) override;
  Array positions(const std::string& name, const Shape& shape);

  WeightSource& source_;
  Architecture from_, to_;
};

}  // namespace fovea
