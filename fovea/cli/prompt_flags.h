// The options that say what Segment Anything is asked.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/cli/command.h"
#include "fovea/segment/prompt_file.h"

namespace fovea::cli {

// As typed.
struct PromptFlags {
  std::vector<std::string> points, boxes;
  std::string file;
  bool multimask = false;
};
// Adds --point, --box, --multimask and --prompts.
void add_prompt_flags(Command& command, PromptFlags& flags);

// What they ask: all points and the one box together; of several boxes each with all points; or
// what the file says. Nothing where nothing was typed. Throws Error naming the option, or the file.
std::vector<FilePrompt> prompts_of(const PromptFlags& flags);

// A prompt for one picture: its number among all that are asked, from 0, and it itself.
struct AskedPrompt {
  int number = 0;
  Prompt prompt;
};
// Those for `picture`, or for any.
std::vector<AskedPrompt> prompts_for(const std::vector<FilePrompt>& prompts,
                                     const std::filesystem::path& picture);

// The pictures that prompts name, each once, in their order.
std::vector<std::filesystem::path> named_pictures(const std::vector<FilePrompt>& prompts);

// Throws Error where a prompt names a picture that is none of `pictures`.
void check_named_pictures(const std::vector<FilePrompt>& prompts,
                          const std::vector<std::filesystem::path>& pictures);

}  // namespace fovea::cli
