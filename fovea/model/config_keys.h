// Reading an object of a config key by key, with a clear line for whatever does not fit.
#pragma once

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "fovea/backend/grid.h"
#include "fovea/io/fail.h"
#include "fovea/io/json.h"
#include "fovea/model/config.h"

namespace fovea {

inline constexpr int kLargestSide = 8192;  // of pictures as configs name them, in pixels

// Finds keys, checks their types, and names them in messages: all functions throw Error for a value
// that is of another type or out of bounds. A key whose value is null is not there.
class ConfigKeys {
 public:
  // `path` stands before the keys in messages: "pretrained_cfg.".
  ConfigKeys(const nlohmann::json& object, std::string file, std::string path)
      : object_(object), file_(std::move(file)), path_(std::move(path)) {}

  const nlohmann::json& all() const { return object_; }
  // The value under a key; null where there is none.
  const nlohmann::json* find(const std::string& key) const;
  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const;
  // For a key that is not there.
  [[noreturn]] void miss(const std::string& key, const std::string& expected) const;

  // An empty one where there is none.
  ConfigKeys object(const std::string& key) const;
  std::optional<std::string> text(const std::string& key) const;
  std::optional<double> number(const std::string& key, double least, double most) const;
  std::optional<int> whole(const std::string& key, int least, int most) const;
  bool flag(const std::string& key, bool otherwise = false) const;
  // A side, [height, width] or [3, height, width].
  std::optional<Grid> size(const std::string& key) const;
  // Three numbers, one a colour, or one for all.
  void colours(const std::string& key, float least, std::array<float, 3>& to) const;

 private:
  const nlohmann::json& object_;
  std::string file_;
  std::string path_;
};

// What the keys say of labels, and of what the logits mean; `pretrained` is timm's object in it.
void read_labels(const ConfigKeys& top, const ConfigKeys& pretrained, Config& config);

}  // namespace fovea
