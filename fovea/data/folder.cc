// Walking folders for pictures.
#include "fovea/data/folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <system_error>
#include <utility>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 9> kEndings = {".jpg",  ".jpeg", ".png",  ".webp", ".tif",
                                                      ".tiff", ".heic", ".heif", ".avif"};

// A folder whatever path leads to it.
using FolderId = std::pair<dev_t, ino_t>;

[[noreturn]] void fail_to_read(const fs::path& folder, const std::error_code& error) {
  fail("{}: the folder can't be read: {}", folder.string(), error.message());
}

// Collects the pictures below a folder.
class Walk {
 public:
  explicit Walk(LeftOut& left_out) : left_out_(left_out) {}

  void into(const fs::path& folder) {
    struct stat status = {};
    if (::stat(folder.c_str(), &status) != 0) {
      fail_to_read(folder, {errno, std::generic_category()});
    }
    const FolderId id{status.st_dev, status.st_ino};
    // A link that leads to a folder that it lies in leads in a circle.
    if (std::find(within_.begin(), within_.end(), id) != within_.end()) return;
    within_.push_back(id);
    // Not by increment(error), which allocates though it may not throw.
    try {
      for (const fs::directory_entry& entry : fs::directory_iterator(folder)) take(entry);
    } catch (const fs::filesystem_error& error) {
      fail_to_read(folder, error.code());
    }
    within_.pop_back();
  }

  std::vector<fs::path> pictures() && { return std::move(pictures_); }

 private:
  void take(const fs::directory_entry& entry) {
    std::error_code ignored;
    if (is_hidden(entry.path().filename().native())) {
      ++left_out_.hidden;
    } else if (entry.is_directory(ignored)) {
      into(entry.path());
    } else if (is_picture(entry.path())) {
      pictures_.push_back(entry.path());
    } else {
      left_out_.add_file(entry.path().filename().native());
    }
  }

  LeftOut& left_out_;
  std::vector<FolderId> within_;
  std::vector<fs::path> pictures_;
};

std::vector<fs::path> pictures_below(const fs::path& folder, LeftOut& left_out) {
  LeftOut passed_over;
  std::vector<fs::path> found = pictures_in(folder, passed_over);
  if (found.empty()) {
    const std::string others = to_string(passed_over);
    fail("{}: no {} in this folder{}", folder.string(), picture_endings(),
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

bool is_picture(const fs::path& path) {
  const std::string ending = ending_of(path.native());
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

std::string picture_endings() {
  return fmt::format("{} or {}", fmt::join(kEndings.begin(), kEndings.end() - 1, ", "),
                     kEndings.back());
}

std::vector<fs::path> pictures_in(const fs::path& folder, LeftOut& left_out) {
  Walk walk(left_out);
  walk.into(folder);
  std::vector<fs::path> found = std::move(walk).pictures();
  std::sort(found.begin(), found.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return found;
}

std::vector<fs::path> list_pictures(const std::vector<fs::path>& paths, LeftOut& left_out) {
  std::vector<fs::path> pictures;
  for (const fs::path& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::directory) {
      const std::vector<fs::path> below = pictures_below(path, left_out);
      pictures.insert(pictures.end(), below.begin(), below.end());
    } else if (status.type() == fs::file_type::not_found) {
      fail("{}: no such file or folder", path.string());
    } else if (error) {
      fail("{}: can't be read: {}", path.string(), error.message());
    } else {
      pictures.push_back(path);
    }
  }
  return pictures;
}

}  // namespace fovea
