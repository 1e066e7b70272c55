#include "fovea/io/json.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "fovea/io/fail.h"

namespace fovea {

using nlohmann::json;

namespace {

constexpr int kDeepest = 32;

// Python's json writes numbers that are none as NaN, Infinity and -Infinity, outside of texts,
// which JSON does not have: null in their place.
std::string without_nan(std::string text) {
  constexpr std::string_view kNumbers[] = {"NaN", "-Infinity", "Infinity"};
  bool in_text = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') in_text = !in_text;
    if (in_text && text[i] == '\\') ++i;
    for (const std::string_view number : kNumbers) {
      if (in_text || text.compare(i, number.size(), number) != 0) continue;
      text.replace(i, number.size(), "null");
    }
  }
  return text;
}

// Throws Error as both that follow.
json parse_json(const std::string& text, const std::string& name) {
  const auto check_depth = [&](int depth, json::parse_event_t, json&) {
    if (depth > kDeepest) fail("{}: JSON is nested deeper than {} levels", name, kDeepest);
    return true;
  };
  try {
    return json::parse(without_nan(text), check_depth);
  } catch (const json::exception& error) {
    // Without the library's own number of the error.
    const std::string_view what = error.what();
    fail("{}: not JSON: {}", name, printable(what.substr(what.find("] ") + 2)));
  }
}

}  // namespace

json parse_json_object(const std::string& text, const std::string& name) {
  json value = parse_json(text, name);
  if (!value.is_object()) fail("{}: holds {}; expected a JSON object", name, value.type_name());
  return value;
}

json parse_json_array(const std::string& text, const std::string& name) {
  json value = parse_json(text, name);
  if (!value.is_array()) fail("{}: holds {}; expected a JSON array", name, value.type_name());
  return value;
}

std::string printable_json(const json& value) {
  return printable(std::string_view(value.dump(-1, ' ', true, json::error_handler_t::replace)));
}

}  // namespace fovea
