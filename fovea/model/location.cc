#include "fovea/model/location.h"

#include <algorithm>
#include <string_view>
#include <system_error>
#include <vector>

#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/model/config.h"
#include "fovea/model/hub.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWeights[] = {"model.safetensors", "model.safetensors.index.json",
                                    "open_clip_model.safetensors", "pytorch_model.bin",
                                    "pytorch_model.bin.index.json"};
constexpr std::string_view kEndings[] = {".safetensors", ".pth", ".pt", ".bin"};
// What trainers leave beside weights.
constexpr std::string_view kNoWeights[] = {"training_args.bin", "optimizer.pt", "optimizer.bin",
                                           "scheduler.pt",      "scaler.pt",    "rng_state.pth"};

template <typename List>
bool holds(const List& list, const std::string& text) {
  return std::ranges::find(list, text) != std::end(list);
}

std::vector<std::string> sorted_names_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> names = names_in_folder(folder, error);
  if (error) fail("{}: cannot be read: {}", folder.string(), error.message());
  std::sort(names.begin(), names.end());
  return names;
}

std::string listing(const std::vector<std::string>& names) {
  constexpr size_t kMost = 12;
  std::string text;
  for (size_t i = 0; i < std::min(kMost, names.size()); ++i) {
    text += (i == 0 ? "" : ", ") + printable(names[i]);
  }
  if (names.size() > kMost) text += fmt::format(" and {} more", names.size() - kMost);
  return names.empty() ? "nothing" : text;
}

fs::path weights_in(const fs::path& folder) {
  std::error_code ignored;  // of what can't be reached; opening it says why
  for (const char* name : kWeights) {
    // A link that leads nowhere is named as such, not passed over.
    if (fs::symlink_status(folder / name, ignored).type() != fs::file_type::not_found)
      return folder / name;
  }
  const std::vector<std::string> names = sorted_names_in(folder);
  std::vector<std::string> weights;
  for (const std::string& name : names) {
    const bool ends = holds(kEndings, fs::path(name).extension().string());
    if (ends && !holds(kNoWeights, name)) weights.push_back(name);
  }
  if (weights.size() == 1) return folder / weights.front();
  if (weights.empty()) {
    fail(
        "{}: a folder without weights: it holds {}; expected model.safetensors, shards with their "
        "index, or one .safetensors, .pth, .pt or .bin",
        folder.string(), listing(names));
  }
  fail("{}: a folder with several files of weights: {}; expected MODEL to be one of them",
       folder.string(), listing(weights));
}

bool is_shard_of(const fs::path& file, const fs::path& index) {
  std::error_code ignored;
  return index.extension() == ".json" &&
         file.filename().string().find("-of-") != std::string::npos &&
         fs::equivalent(file.parent_path().empty() ? fs::path(".") : file.parent_path(),
                        index.parent_path(), ignored);
}

}  // namespace

ModelPath split_delta(const fs::path& path) {
  std::error_code ignored;  // who opens the parts says what is wrong with them
  const std::string text = path.string();
  if (fs::exists(path, ignored)) return {path, std::nullopt};
  if (const auto cached = cached_model(text)) return {*cached, std::nullopt};
  for (size_t plus = text.find('+'); plus != std::string::npos; plus = text.find('+', plus + 1)) {
    const std::string base = text.substr(0, plus);
    const std::optional<fs::path> found =
        fs::exists(base, ignored) ? std::optional<fs::path>(base) : cached_model(base);
    if (!found) continue;
    if (plus + 1 == text.size()) fail("{}: expected the name of a delta behind the +", text);
    return {*found, text.substr(plus + 1)};
  }
  return {path, std::nullopt};
}

fs::path weights_of(const fs::path& base) {
  std::error_code ignored;  // the file says itself why it can't be opened
  if (fs::status(base, ignored).type() == fs::file_type::not_found) explain_missing(base.string());
  return fs::is_directory(base, ignored) ? weights_in(base) : base;
}

bool is_part_of(const fs::path& written, const fs::path& model) {
  const auto is_same = [&](const fs::path& part) {
    std::error_code ignored;  // what isn't there can't be overwritten
    return fs::equivalent(written, part, ignored);
  };
  const auto [base, delta] = split_delta(model);
  if (is_same(base) || (delta && is_same(*delta))) return true;
  if (!fs::exists(base)) return false;
  fs::path weights = base;
  try {
    weights = weights_of(base);
  } catch (const Error&) {
    // Opening it will say so; what is written now can't be part of it.
  }
  const fs::path folder = fs::is_directory(base) ? base : base.parent_path();
  const bool is_config =
      std::ranges::any_of(kConfigNames, [&](const char* name) { return is_same(folder / name); });
  return is_same(weights) || is_config || is_shard_of(written, weights);
}

}  // namespace fovea
