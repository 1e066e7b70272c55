#include "fovea/data/file_tree.h"

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/zip.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

class FolderTree : public FileTree {
 public:
  explicit FolderTree(fs::path folder) : folder_(std::move(folder)) {}

  std::vector<std::string> names() const override {
    std::error_code error;
    std::vector<std::string> names = names_in_folder(folder_, error);
    if (error) fail("{}: the folder can't be read: {}", folder_.string(), error.message());
    std::erase_if(names, [&](const std::string& name) {
      std::error_code ignored;
      return fs::is_directory(folder_ / name, ignored);
    });
    std::sort(names.begin(), names.end());
    return names;
  }
  bool has(const std::string& path) const override {
    std::error_code ignored;
    const fs::file_status status = fs::status(folder_ / path, ignored);
    return fs::exists(status) && !fs::is_directory(status);
  }
  std::vector<std::byte> read(const std::string& path) const override {
    const MappedFile file = MappedFile::open(folder_ / path);
    return {file.bytes().begin(), file.bytes().end()};
  }
  std::string name(const std::string& path) const override { return (folder_ / path).string(); }

 private:
  fs::path folder_;
};

class ZipTree : public FileTree {
 public:
  explicit ZipTree(const ZipFolder& at)
      : zip_(at.zip), folder_(at.folder == "." ? fs::path() : fs::path(at.folder)) {
    for (size_t i = 0; i < zip_.names().size(); ++i) {
      const std::string& name = zip_.names()[i];
      if (!name.ends_with('/')) places_[name] = static_cast<int64_t>(i);
    }
    if (names().empty()) {
      fail("{}: no file in its folder {}", zip_.path().string(), printable(at.folder));
    }
  }

  std::vector<std::string> names() const override {
    const std::string below = folder_.empty() ? "" : folder_.generic_string() + "/";
    std::vector<std::string> names;
    for (auto place = places_.lower_bound(below);
         place != places_.end() && place->first.starts_with(below); ++place) {
      const std::string name = place->first.substr(below.size());
      if (name.find('/') == std::string::npos) names.push_back(name);
    }
    return names;
  }
  bool has(const std::string& path) const override { return places_.contains(entry_of(path)); }
  std::vector<std::byte> read(const std::string& path) const override {
    const auto place = places_.find(entry_of(path));
    if (place == places_.end()) fail("{}: no such file in it", name(path));
    zip_.check_readable(std::span(&place->second, 1));
    return zip_.read(place->second);
  }
  std::string name(const std::string& path) const override {
    return fmt::format("{}: {}", zip_.path().string(), printable(entry_of(path)));
  }

 private:
  std::string entry_of(const std::string& path) const {
    return (folder_ / path).lexically_normal().generic_string();
  }

  ZipFile zip_;
  fs::path folder_;
  std::map<std::string, int64_t> places_;
};

}  // namespace

std::optional<ZipFolder> find_zip(const fs::path& path) {
  std::error_code ignored;
  for (fs::path file = path; file != file.parent_path(); file = file.parent_path()) {
    const fs::file_status status = fs::status(file, ignored);
    if (fs::is_directory(status)) break;
    if (fs::exists(status)) return ZipFolder{file, path.lexically_relative(file).generic_string()};
  }
  return std::nullopt;
}

fs::path join_split(const fs::path& path, const std::string& split) {
  const fs::path named = split.empty() ? path : path / split;
  return named.has_filename() ? named : named.parent_path();
}

std::unique_ptr<FileTree> open_tree(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return std::make_unique<FolderTree>(path);
  if (const std::optional<ZipFolder> zip = find_zip(path)) return std::make_unique<ZipTree>(*zip);
  fail("{}: no such folder, nor such a zip", path.string());
}

}  // namespace fovea
