// A Segment Anything that learns from nothing: what it is made of.
#pragma once

#include <string>

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

}  // namespace fovea
