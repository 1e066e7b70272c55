// Files that say how tokens merge: {"r": [8, 0, 5], "metric": "k"}.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "fovea/cli/merge_flags.h"

namespace fovea::cli {

// The options of a file as texts, as if they had been typed. Its keys are the options' names; r may
// be a number, a share ("8%") or a list with one of these for every layer, on and off may be true
// and false. Throws Error naming the file and the key that is unknown, or whose value has another
// type or is not possible.
MergeTexts read_merge_config(const std::filesystem::path& path);

// The same from memory; `name` stands in messages.
MergeTexts parse_merge_config(const std::string& text, const std::string& name);

// The file that fovea tune writes for MODEL where no other is named: fovea.json beside it.
std::filesystem::path tuned_config_of(const std::string& model);

// r as files and lines of JSON say it: 13, "8%", [8, 0, "5%"].
nlohmann::ordered_json schedule_as_json(const Schedule& schedule);

// The file's text for these options, such that reading it gives them back.
std::string merge_config_text(const MergeTexts& texts);

}  // namespace fovea::cli
