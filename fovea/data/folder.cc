// Walking folders for files of a medium.
#include "fovea/data/folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/io/file.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 9> kEndings = {".jpg",  ".jpeg", ".png",  ".webp", ".tif",
                                                      ".tiff", ".heic", ".heif", ".avif"};

// Of videos and of sound the kinds that are usual; others are read where they are named.
constexpr std::array<std::string_view, 16> kVideoEndings = {
    ".mp4",  ".m4v", ".mov", ".webm", ".mkv", ".avi", ".gif", ".mpg",
    ".mpeg", ".ts",  ".mts", ".wmv",  ".flv", ".ogv", ".3gp", ".m2ts"};
constexpr std::array<std::string_view, 11> kSoundEndings = {
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".au"};

std::span<const std::string_view> endings(Medium medium) {
  if (medium == Medium::video) return kVideoEndings;
  if (medium == Medium::sound) return kSoundEndings;
  return kEndings;
}

// A folder whatever path leads to it.
using FolderId = std::pair<dev_t, ino_t>;

[[noreturn]] void fail_to_read(const fs::path& folder, const std::error_code& error) {
  fail("{}: the folder can't be read: {}", folder.string(), error.message());
}

// Collects the files of a medium below a folder.
class Walk {
 public:
  Walk(Medium medium, LeftOut& left_out) : medium_(medium), left_out_(left_out) {}

  void into(const fs::path& folder) {
    struct stat status = {};
    if (::stat(folder.c_str(), &status) != 0) {
      fail_to_read(folder, {errno, std::generic_category()});
    }
    const FolderId id{status.st_dev, status.st_ino};
    // A link that leads to a folder that it lies in leads in a circle.
    if (std::find(within_.begin(), within_.end(), id) != within_.end()) return;
    within_.push_back(id);
    std::error_code error;
    const std::vector<std::string> names = names_in_folder(folder, error);
    if (error) fail_to_read(folder, error);
    const bool is_clip = medium_ == Medium::video && holds_a_clip(names);
    if (is_clip) found_.push_back(folder);
    for (const std::string& name : names) {
      if (!is_clip || !is_picture(name)) take(folder, name);
    }
    within_.pop_back();
  }

  std::vector<fs::path> found() && { return std::move(found_); }

 private:
  // Pictures, and no video.
  static bool holds_a_clip(const std::vector<std::string>& names) {
    const auto any = [&](Medium medium) {
      return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return !is_hidden(name) && is_of(name, medium);
      });
    };
    return any(Medium::picture) && !any(Medium::video);
  }

  void take(const fs::path& folder, const std::string& name) {
    const fs::path path = folder / name;
    std::error_code ignored;
    if (is_hidden(name)) {
      ++left_out_.hidden;
    } else if (fs::is_directory(path, ignored)) {
      into(path);
    } else if (is_of(path, medium_)) {
      found_.push_back(path);
    } else {
      left_out_.add_file(name);
    }
  }

  Medium medium_;
  LeftOut& left_out_;
  std::vector<FolderId> within_;
  std::vector<fs::path> found_;
};

void sort_by_bytes(std::vector<fs::path>& paths) {
  std::sort(paths.begin(), paths.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
}

std::vector<fs::path> all_in(const fs::path& folder, Medium medium, LeftOut& left_out) {
  Walk walk(medium, left_out);
  walk.into(folder);
  std::vector<fs::path> found = std::move(walk).found();
  sort_by_bytes(found);
  return found;
}

std::vector<fs::path> all_below(const fs::path& folder, Medium medium, LeftOut& left_out) {
  LeftOut passed_over;
  std::vector<fs::path> found = all_in(folder, medium, passed_over);
  if (found.empty()) {
    const std::string others = to_string(passed_over);
    fail("{}: no {} in this folder{}", folder.string(), endings_of(medium),
         others.empty() ? "" : ", but " + others);
  }
  left_out.add(passed_over);
  return found;
}

}  // namespace

std::string ending_of(std::string_view name) {
  std::string ending = fs::path(name).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending;
}

bool is_picture(const fs::path& path) { return is_of(path, Medium::picture); }

bool is_of(const fs::path& path, Medium medium) {
  const std::span<const std::string_view> all = endings(medium);
  return std::find(all.begin(), all.end(), ending_of(path.native())) != all.end();
}

std::string endings_of(Medium medium) {
  const std::span<const std::string_view> all = endings(medium);
  return fmt::format("{} or {}", fmt::join(all.begin(), all.end() - 1, ", "), all.back());
}

const char* one_of(Medium medium) {
  if (medium == Medium::video) return "video";
  return medium == Medium::sound ? "sound" : "picture";
}

std::string many_of(Medium medium) { return std::string(one_of(medium)) + "s"; }

std::vector<fs::path> media_in(const fs::path& folder, Medium medium, LeftOut& left_out) {
  return all_in(folder, medium, left_out);
}

std::vector<fs::path> pictures_right_in(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (const std::string& name : names_in_folder(folder, error)) {
    if (!is_hidden(name) && is_picture(name)) found.push_back(folder / name);
  }
  if (error) fail_to_read(folder, error);
  sort_by_bytes(found);
  return found;
}

std::vector<fs::path> list_pictures(const std::vector<fs::path>& paths, LeftOut& left_out) {
  return list_media(paths, Medium::picture, left_out);
}

std::vector<fs::path> list_media(const std::vector<fs::path>& paths, Medium medium,
                                 LeftOut& left_out) {
  std::vector<fs::path> files;
  for (const fs::path& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::directory) {
      const std::vector<fs::path> below = all_below(path, medium, left_out);
      files.insert(files.end(), below.begin(), below.end());
    } else if (status.type() == fs::file_type::not_found) {
      fail("{}: no such file or folder", path.string());
    } else if (error) {
      fail("{}: can't be read: {}", path.string(), error.message());
    } else {
      files.push_back(path);
    }
  }
  return files;
}

}  // namespace fovea
