#include "fovea/cli/output_paths.h"

#include <system_error>

#include "fovea/cli/options.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace fs = std::filesystem;

fs::path NamesInFolder::take(const fs::path& picture, const std::string& ending) {
  const std::string stem = picture.stem().string();
  std::string name = stem;
  for (int number = 2; !taken_.insert(name).second; ++number) {
    name = fmt::format("{}-{}", stem, number);
  }
  return folder_ / (name + ending);
}

void NamesInFolder::make_folder() const {
  std::error_code error;
  fs::create_directory(folder_, error);
  if (error) fail("{}: the folder can't be made: {}", folder_.string(), error.message());
}

void check_is_no_picture(const std::string& option, const fs::path& output,
                         const fs::path& picture) {
  std::error_code ignored;  // what isn't there yet is no picture
  if (fs::equivalent(output, picture, ignored)) {
    fail("{} {}: would overwrite the picture {}; expected another file or folder", option,
         output.string(), picture.string());
  }
}

fs::path as_folder(const std::string& option, const std::string& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored) && !path.ends_with('/')) return {};
  fs::path folder = path.ends_with('/') ? fs::path(path).parent_path() : fs::path(path);
  if (fs::exists(folder, ignored) && !fs::is_directory(folder, ignored)) {
    fail("{} {}: expected a folder, found a file", option, printable(path));
  }
  // A new folder is made in one that is there.
  check_can_write(fs::exists(folder, ignored) ? folder / "name" : folder);
  return folder;
}

OutputPaths::OutputPaths(std::string option, const std::string& path, const std::string& ending,
                         const std::vector<fs::path>& pictures, const std::string& model)
    : option_(std::move(option)), ending_(ending) {
  if (path.empty()) return;
  fs::path folder = as_folder(option_, path);
  // Of several pictures a name without an ending can only mean a new one.
  if (folder.empty() && pictures.size() > 1 && fs::path(path).extension().empty()) {
    folder = as_folder(option_, path + "/");
  }
  if (!folder.empty()) {
    folder_.emplace(folder);
    return;
  }
  if (pictures.size() > 1) {
    fail(
        "{} {}: expected a folder for the files of {} pictures: one that is there, or a name that "
        "ends in / for a new one",
        option_, printable(path), pictures.size());
  }
  if (!path.ends_with(ending)) {
    fail("{} {}: expected a name that ends in {}, or a folder that is there", option_,
         printable(path), ending);
  }
  check_can_write(path, model);
  for (const fs::path& picture : pictures) check_is_no_picture(option_, path, picture);
  path_ = path;
}

fs::path OutputPaths::of(const fs::path& picture) {
  if (!folder_) return path_;
  folder_->make_folder();
  fs::path file = folder_->take(picture, ending_);
  check_is_no_picture(option_, file, picture);
  return file;
}

}  // namespace fovea::cli
