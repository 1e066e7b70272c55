// Where the files made of pictures go: one file, or a folder with a file for each.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fovea::cli {

// Names in a folder after those of pictures.
class NamesInFolder {
 public:
  explicit NamesInFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path& folder() const { return folder_; }
  // The picture's name with another ending; with a number where another picture was called so.
  std::filesystem::path take(const std::filesystem::path& picture, const std::string& ending);
  // Throws Error where the folder is not there and can't be made.
  void make_folder() const;

 private:
  std::filesystem::path folder_;
  std::set<std::string> taken_;
};

// Throws Error where `output` of an option is a picture that is read.
void check_is_no_picture(const std::string& option, const std::filesystem::path& output,
                         const std::filesystem::path& picture);

// The folder that is there, or whose name ends in a slash; empty where `path` is neither. Throws
// Error where it can't be written to.
std::filesystem::path as_folder(const std::string& option, const std::string& path);

// What an option says of where one kind of files goes; nowhere where nothing was typed.
class OutputPaths {
 public:
  // Of one picture a file whose name ends in `ending`; a folder, also a new one, of several
  // pictures or where there is one. Throws Error naming the option where it is neither, can't be
  // written, or is one of the pictures or part of `model`.
  OutputPaths(std::string option, const std::string& path, const std::string& ending,
              const std::vector<std::filesystem::path>& pictures, const std::string& model);

  bool wanted() const { return !path_.empty() || folder_; }
  // Called once for each picture.
  std::filesystem::path of(const std::filesystem::path& picture);

 private:
  std::string option_;
  std::string ending_;
  std::filesystem::path path_;
  std::optional<NamesInFolder> folder_;
};

}  // namespace fovea::cli
