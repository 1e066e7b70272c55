#include "fovea/model/config_keys.h"

namespace fovea {

using nlohmann::json;

namespace {

// 0 for what is no side.
int side(const json& value) {
  const bool fits = value.is_number_integer() && value >= 1 && value <= kLargestSide;
  return fits ? value.get<int>() : 0;
}

}  // namespace

const json* ConfigKeys::find(const std::string& key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void ConfigKeys::refuse(const std::string& key, const std::string& expected) const {
  fail("{}: {}{} is {}; expected {}", file_, path_, key, printable_json(object_.at(key)), expected);
}

void ConfigKeys::miss(const std::string& key, const std::string& expected) const {
  fail("{}: {}{} is missing; expected {}", file_, path_, key, expected);
}

ConfigKeys ConfigKeys::object(const std::string& key) const {
  static const json kEmpty = json::object();
  const json* value = find(key);
  if (value != nullptr && !value->is_object()) refuse(key, "an object");
  return {value == nullptr ? kEmpty : *value, file_, path_ + key + "."};
}

std::optional<std::string> ConfigKeys::text(const std::string& key) const {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) refuse(key, "text");
  return value->get<std::string>();
}

std::optional<double> ConfigKeys::number(const std::string& key, double least, double most) const {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const double number = value->is_number() ? value->get<double>() : NAN;
  if (!(number >= least && number <= most))
    refuse(key, fmt::format("a number from {} to {}", least, most));
  return number;
}

std::optional<int> ConfigKeys::whole(const std::string& key, int least, int most) const {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const bool fits = value->is_number_integer() && *value >= least && *value <= most;
  if (!fits) refuse(key, fmt::format("a whole number from {} to {}", least, most));
  return value->get<int>();
}

bool ConfigKeys::flag(const std::string& key, bool otherwise) const {
  const json* value = find(key);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) refuse(key, "true or false");
  return value->get<bool>();
}

std::optional<Grid> ConfigKeys::size(const std::string& key) const {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  Grid size;
  if (value->is_number_integer()) {
    const int both = side(*value);
    size = {both, both};
  } else if (value->is_array() &&
             (value->size() == 2 || (value->size() == 3 && value->at(0) == 3))) {
    size = {side(value->at(value->size() - 2)), side(value->back())};
  }
  if (size.empty()) {
    refuse(key, fmt::format("a side, [height, width] or [3, height, width] of 1 to {} pixels",
                            kLargestSide));
  }
  return size;
}

void ConfigKeys::colours(const std::string& key, float least, std::array<float, 3>& to) const {
  const json* value = find(key);
  if (value == nullptr) return;
  const bool one = value->is_number() || (value->is_array() && value->size() == 1);
  bool fits = one || (value->is_array() && value->size() == 3);
  for (size_t i = 0; fits && i < 3; ++i) {
    const json& of_colour = value->is_number() ? *value : value->at(one ? 0 : i);
    const double number = of_colour.is_number() ? of_colour.get<double>() : NAN;
    fits = number >= least && number <= 1000;
    to[i] = static_cast<float>(number);
  }
  if (!fits) refuse(key, fmt::format("three numbers from {} to 1000, or one for all", least));
}

}  // namespace fovea
