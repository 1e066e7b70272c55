// How tokens merge as JSON says it: {"r": [8, 0, 5], "metric": "k"}.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "fovea/tokens/options_text.h"

namespace fovea {

// The options of an object as texts, as if they had been typed. Its keys are the options' names; r
// may be a number, a share ("8%") or a list with one of these for every layer, on and off may be
// true and false. Throws Error naming `name` and the key that is unknown, or whose value has
// another type or is not possible.
FOVEA_API MergeTexts parse_merge_config(const std::string& text, const std::string& name);

// r as files and lines of JSON say it: 13, "8%", [8, 0, "5%"].
nlohmann::ordered_json schedule_as_json(const Schedule& schedule);

// The text of an object with these options, such that reading it gives them back.
FOVEA_API std::string merge_config_text(const MergeTexts& texts);

}  // namespace fovea
