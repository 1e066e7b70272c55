// Segment Anything's answers to prompts as arrays, for fovea forward.
#pragma once

#include <string>
#include <vector>

#include "fovea/segment/prompt_file.h"
#include "fovea/segmenter.h"

namespace fovea::cli {

struct NamedArray {
  std::string name;
  Array values;
};

// The answers to each prompt, in pixels of the input, for every image of a run: NAME.low_res_masks
// [B, M, S/4, S/4] and NAME.iou [B, M]; a prompt without a name is called by its number, from 0.
// input: what was run, [B, 3, S, S]. Throws Error as Segmenter::ask does, for inputs that are no
// squares, and for prompts that name a picture.
std::vector<NamedArray> forward_prompts(const Segmenter& segmenter, const Array& input,
                                        const Result& result,
                                        const std::vector<FilePrompt>& prompts);

}  // namespace fovea::cli
