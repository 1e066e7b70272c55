#include "fovea/model/hub.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "fovea/io/fail.h"
#include "fovea/io/file.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

bool is_name(std::string_view text) {
  return !text.empty() && text.front() != '.' && text.front() != '~' &&
         std::ranges::all_of(text, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

// "facebook/dinov2-small".
bool is_hub_name(std::string_view text) {
  constexpr size_t kLongest = 96;  // as the hub allows
  const size_t slash = text.find('/');
  return slash != std::string_view::npos && text.size() <= kLongest &&
         is_name(text.substr(0, slash)) && is_name(text.substr(slash + 1)) &&
         text.find("..") == std::string_view::npos && !text.ends_with(".safetensors") &&
         !text.ends_with(".pth") && !text.ends_with(".pt") && !text.ends_with(".bin");
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path cache() {
  if (const std::string hub = variable("HF_HUB_CACHE"); !hub.empty()) return hub;
  if (const std::string home = variable("HF_HOME"); !home.empty()) return fs::path(home) / "hub";
  const std::string xdg = variable("XDG_CACHE_HOME");
  const fs::path base = xdg.empty() ? fs::path(variable("HOME")) / ".cache" : fs::path(xdg);
  return base / "huggingface" / "hub";
}

// ORG/NAME of an address on the hub; empty of others.
std::string hub_name_of(std::string_view url) {
  constexpr std::string_view kHub = "://huggingface.co/";
  const size_t at = url.find(kHub);
  if (at == std::string_view::npos) return "";
  std::string_view name = url.substr(at + kHub.size());
  name = name.substr(0, name.find_first_of("?#"));
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos) return "";
  name = name.substr(0, name.find('/', slash + 1));
  return is_hub_name(name) ? std::string(name) : "";
}

}  // namespace

std::optional<fs::path> cached_model(const std::string& name) {
  if (!is_hub_name(name)) return std::nullopt;
  std::string folder = "models--" + name;
  folder.replace(folder.find('/'), 1, "--");
  const fs::path main = cache() / folder / "refs" / "main";
  std::error_code ignored;
  if (!fs::is_regular_file(main, ignored)) return std::nullopt;
  std::string revision = read_text(main, 256);
  revision.erase(std::min(revision.find_last_not_of(" \t\r\n") + 1, revision.size()));
  if (!is_name(revision)) return std::nullopt;
  const fs::path snapshot = cache() / folder / "snapshots" / revision;
  return fs::is_directory(snapshot, ignored) ? std::optional(snapshot) : std::nullopt;
}

void explain_missing(const std::string& model) {
  const std::string text = printable(model);
  if (model.starts_with("http://") || model.starts_with("https://")) {
    const std::string name = hub_name_of(model);
    if (name.empty()) {
      fail("{}: nothing is fetched; expected a file or folder: curl -LO {} downloads it", text,
           text);
    }
    fail(
        "{}: nothing is fetched; expected a file or folder: hf download {} downloads it, and {} is "
        "then its name here",
        text, name, name);
  }
  if (is_hub_name(model)) {
    fail(
        "{}: no such file or folder, and nothing is fetched: hf download {} puts it into the "
        "cache, "
        "{}, where it is found",
        text, text, printable(cache().string()));
  }
}

}  // namespace fovea
