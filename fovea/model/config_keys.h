// Reading a config key by key, with a clear line for whatever does not fit.
#pragma once

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/io/json.h"
#include "fovea/model/config.h"

namespace fovea {

constexpr int kLargestSide = 8192;  // of an input, in pixels

// One object of a config: finds keys, checks their types, and names them in messages.
class ConfigKeys {
 public:
  ConfigKeys(const nlohmann::json& object, std::string file, std::string path)
      : object_(object), file_(std::move(file)), path_(std::move(path)) {}

  // The value under a key; null where there is none.
  const nlohmann::json* find(const std::string& key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const {
    fail("{}: {}{} is {}; expected {}", file_, path_, key, printable_json(object_.at(key)),
         expected);
  }

  ConfigKeys object(const std::string& key) const {
    static const nlohmann::json kEmpty = nlohmann::json::object();
    const nlohmann::json* value = find(key);
    if (value != nullptr && !value->is_object()) refuse(key, "an object");
    return {value == nullptr ? kEmpty : *value, file_, path_ + key + "."};
  }

  std::optional<std::string> text(const std::string& key) const {
    const nlohmann::json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) refuse(key, "text");
    return value->get<std::string>();
  }

  std::optional<double> number(const std::string& key, double least, double most) const {
    const nlohmann::json* value = find(key);
    if (value == nullptr) return std::nullopt;
    const double number = value->is_number() ? value->get<double>() : NAN;
    if (!(number >= least && number <= most))
      refuse(key, fmt::format("a number from {} to {}", least, most));
    return number;
  }

  std::optional<int> whole(const std::string& key, int least, int most) const {
    const nlohmann::json* value = find(key);
    if (value == nullptr) return std::nullopt;
    const bool fits = value->is_number_integer() && *value >= least && *value <= most;
    if (!fits) refuse(key, fmt::format("a whole number from {} to {}", least, most));
    return value->get<int>();
  }

  bool flag(const std::string& key, bool otherwise = false) const {
    const nlohmann::json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean()) refuse(key, "true or false");
    return value->get<bool>();
  }

  // A side, [height, width] or [3, height, width].
  std::optional<std::array<int, 2>> size(const std::string& key) const {
    const nlohmann::json* value = find(key);
    if (value == nullptr) return std::nullopt;
    std::array<int, 2> size = {0, 0};
    if (value->is_number_integer()) {
      size[0] = size[1] = side(*value);
    } else if (value->is_array() &&
               (value->size() == 2 || (value->size() == 3 && value->at(0) == 3))) {
      size = {side(value->at(value->size() - 2)), side(value->back())};
    }
    if (size[0] == 0 || size[1] == 0) {
      refuse(key, fmt::format("a side, [height, width] or [3, height, width] of 1 to {} pixels",
                              kLargestSide));
    }
    return size;
  }

  // Three numbers, one a colour.
  void colours(const std::string& key, float least, std::array<float, 3>& to) const {
    const nlohmann::json* value = find(key);
    if (value == nullptr) return;
    bool fits = value->is_array() && value->size() == 3;
    for (size_t i = 0; fits && i < 3; ++i) {
      const double number = value->at(i).is_number() ? value->at(i).get<double>() : NAN;
      fits = number >= least && number <= 1000;
      to[i] = static_cast<float>(number);
    }
    if (!fits) refuse(key, fmt::format("three numbers from {} to 1000", least));
  }

 private:
  // 0 for what is no side.
  static int side(const nlohmann::json& value) {
    const bool fits = value.is_number_integer() && value >= 1 && value <= kLargestSide;
    return fits ? value.get<int>() : 0;
  }

  const nlohmann::json& object_;
  std::string file_;
  std::string path_;
};

// What the keys say of labels, and of what the logits mean; `pretrained` is timm's object in it.
void read_labels(const ConfigKeys& top, const ConfigKeys& pretrained, Config& config);

}  // namespace fovea
