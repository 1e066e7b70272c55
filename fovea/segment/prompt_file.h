// Files of prompts: a JSON list, or one object a line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/api.h"
#include "fovea/segment/prompt.h"

namespace fovea {

// A prompt, and what its file names beside it.
struct FilePrompt {
  Prompt prompt;
  std::filesystem::path picture;  // that it is for; empty where it is for any
  std::filesystem::path mask;     // that it begins with; empty where there is none
};

// Reads objects {"name", "file", "points": [[x, y], ...], "labels": [...], "box": [x0, y0, x1, y1],
// "mask": "m.npy", "multimask": false}, each key optional; points without labels have 1. Paths are
// relative to the file, and the masks, [1, S/4, S/4] or [S/4, S/4], are read. `multimask`: of
// prompts that don't say. Throws Error naming the file and the prompt for what is no such thing,
// for other keys, and where two prompts for a picture have one name; what is within the picture is
// left to check_prompt.
FOVEA_API std::vector<FilePrompt> read_prompts(const std::filesystem::path& path,
                                               bool multimask = false);

// The same from memory, paths as they stand there and masks not read; `name` stands in messages.
FOVEA_API std::vector<FilePrompt> parse_prompts(const std::string& text, const std::string& name,
                                                bool multimask = false);

}  // namespace fovea
