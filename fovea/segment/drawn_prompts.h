// Prompts drawn from a true mask: to measure what a model makes of them, and to train on.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fovea/io/random.h"
#include "fovea/segment/prompt.h"
#include "fovea/segment/rle.h"

namespace fovea {

// One point drawn evenly in the mask; three, each drawn so; the box of the mask.
enum class PromptKind { point, points3, box };

const char* name_of(PromptKind kind);
// Kinds of a list "point,points3,box", each once. Throws Error, with `option` in it.
std::vector<PromptKind> parse_prompt_kinds(const std::string& text, const std::string& option);

// A prompt for three masks, of a mask that is 1 somewhere. Points are pixels; a box goes from the
// first pixel to the one behind the last, as COCO's boxes do.
Prompt drawn_prompt(PromptKind kind, const Rle& mask, Random& random);

// How Segment Anything is trained: a point or a box at first, points where it was wrong after that.
// All in a mask [side, side] row by row, of 0 and 1, whose pixels are `pixel` pixels of the picture
// wide and high; prompts are in these.
struct TrainingMask {
  std::span<const uint8_t> truth;  // 1 somewhere
  int side = 0;
  float pixel = 1;
};

// A point drawn evenly in the mask or, as often, its box with noise: a tenth of its sides' lengths,
// and at most 20 pixels, is the deviation of its corners.
Prompt first_prompt(const TrainingMask& mask, Random& random);

// Adds a point drawn evenly where an answer, [side, side] logits, is wrong: with label 1 where it
// misses the mask, 0 where it should not be. Where it is right, drawn in the mask itself.
void add_correction(const TrainingMask& mask, std::span<const float> logits, Random& random,
                    Prompt& prompt);

}  // namespace fovea
