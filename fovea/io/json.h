// Reading JSON that came from outside.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace fovea {

// The object that `text` holds; Python's NaN and Infinity are null in it. Throws Error, with `name`
// in it, for anything else, and for what is nested so deeply that it can only be meant to do harm.
nlohmann::json parse_json_object(const std::string& text, const std::string& name);

// The same of an array.
nlohmann::json parse_json_array(const std::string& text, const std::string& name);

// A value for a message: cut where it is long, and one line whatever bytes are in it.
std::string printable_json(const nlohmann::json& value);

}  // namespace fovea
