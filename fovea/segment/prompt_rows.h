// Prompts as plain host data: of which embeddings their tokens are made, and where these lie.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/backend/plan.h"
#include "fovea/io/array.h"
#include "fovea/segment/position_code.h"
#include "fovea/segment/prompt.h"

namespace fovea {

// Rows of the table that tokens are taken from: one for the estimates, one for each mask, then
// those that PromptEncoder::embeddings gives.
enum class EmbeddingRow : int32_t { not_a_point, background, foreground, upper_left, lower_right };

struct PromptRows {
  Route tokens;  // of each prompt: the estimates' token, the masks', its points', its box's
  Array codes;   // [tokens, C]: what tells where each lies; 0 where it lies nowhere
};

using Prompts = std::span<const Prompt* const>;

// Of prompts as check_prompt lets them pass, in pixels of an input of that size; `masks`: how many
// tokens there are for these.
PromptRows prompt_rows(Prompts prompts, const PositionCode& code, int masks, const Grid& input);

// Which prompts can be answered together: at most `most`, with a mask or without, in their order.
std::vector<std::vector<size_t>> prompt_groups(std::span<const Prompt> prompts, size_t most);

// The masks of all prompts one after the other, [P, 1, 4 h, 4 w] for an embedding of h x w cells.
// Throws Error naming the prompt whose mask has other sides.
Array joined_masks(Prompts prompts, const Grid& cells);

}  // namespace fovea
