#include "fovea/cli/merge_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fovea/cli/options.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/json.h"
#include "fovea/model/location.h"

namespace fovea::cli {
namespace {

using nlohmann::json;

const MergeFlag& flag_of(const std::string& key, const std::string& file) {
  std::string known;
  for (const MergeFlag& flag : merge_flag_table()) {
    if (key == flag.name) return flag;
    known += (known.empty() ? "" : ", ") + std::string(flag.name);
  }
  fail("{}: unknown key {}; expected some of {}", file, printable(key), known);
}

// A number of tokens, or a share as text: "8%".
bool is_amount(const json& value) {
  if (value.is_string()) return value.get<std::string>().ends_with('%');
  return value.is_number_integer() && value >= 0;
}

// A list of these as it would be typed; a list of one needs its comma.
std::string typed_list(const json& list) {
  std::string text;
  for (const json& r : list) {
    text += (text.empty() ? "" : ",") + (r.is_string() ? r.get<std::string>() : r.dump());
  }
  return list.size() == 1 ? text + ",0" : text;
}

// The value in a file of an option as it is typed: numbers stay such; everything else is a text.
json plain_value(const std::string& typed) {
  json value = json::parse(typed, nullptr, false);
  return value.is_number() ? value : json(typed);
}

nlohmann::ordered_json as_json(const Amount& r) {
  if (r.is_share()) return to_string(r);
  return r.count();
}

std::string typed_text(const std::string& key, const json& value, const std::string& file) {
  if (key == "r" && value.is_array() && !value.empty() &&
      std::all_of(value.begin(), value.end(), is_amount)) {
    return typed_list(value);
  }
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
  fail("{}: {} is {}; expected {}", file, key, printable_json(value),
       key == "r" ? "a number of tokens, a share of them (\"8%\"), or a list with one of these for "
                    "every layer"
                  : "a number, a text, true or false");
}

}  // namespace

MergeTexts parse_merge_config(const std::string& text, const std::string& name) {
  MergeTexts texts;
  const json object = parse_json_object(text, name);
  for (const auto& [key, value] : object.items()) {
    const MergeFlag& flag = flag_of(key, name);
    texts[key] = typed_text(key, value, name);
    try {
      MergeOptions ignored;
      flag.read(texts[key], ignored);
    } catch (const Error& error) {
      fail("{}: {}", name, error.what());
    }
  }
  return texts;
}

MergeTexts read_merge_config(const std::filesystem::path& path) {
  return parse_merge_config(read_text(path), path.string());
}

std::filesystem::path tuned_config_of(const std::string& model) {
  const ModelPath parts = split_delta(model);
  const std::filesystem::path& file = parts.delta ? *parts.delta : parts.base;
  return (std::filesystem::is_directory(file) ? file : file.parent_path()) / "fovea.json";
}

nlohmann::ordered_json schedule_as_json(const Schedule& schedule) {
  if (schedule.per_layer.empty()) return as_json(schedule.r);
  nlohmann::ordered_json list;
  for (const Amount& r : schedule.per_layer) list.push_back(as_json(r));
  return list;
}

std::string merge_config_text(const MergeTexts& texts) {
  nlohmann::ordered_json object;
  for (const MergeFlag& flag : merge_flag_table()) {
    const auto text = texts.find(flag.name);
    if (text == texts.end()) continue;
    object[flag.name] = text->first == "r" ? schedule_as_json(parse_schedule(text->second))
                                           : nlohmann::ordered_json(plain_value(text->second));
  }
  return object.dump() + "\n";
}

}  // namespace fovea::cli
