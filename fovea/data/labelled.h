// Pictures in a folder per class: which classes there are, and what is no such folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/data/left_out.h"

namespace fovea {

template <class Picture>
struct Labelled {
  std::vector<Picture> pictures;     // class after class
  std::vector<int> labels;           // of each, into classes; the first where it has several
  std::vector<std::string> classes;  // the folders' names, sorted
  LeftOut left_out = {};
  std::vector<std::vector<int>> all_labels = {};  // of each, ascending; empty where all have one
};

// FOLDER/CLASS/*.jpg, pictures as deep as they lie, sorted. Throws Error naming the folder that has
// no class folders, only one, pictures beside them, splits instead of classes, or a class without a
// picture unless that is allowed.
Labelled<std::filesystem::path> list_labelled(const std::filesystem::path& folder,
                                              bool allow_empty = false);

// The same of those of `names` that begin with `below` ("" or "train/"): "train/cat/1.png", and
// "train/cat/" of a folder. Pictures are places in `names`. `root` is where they lie, for messages.
Labelled<int64_t> find_labelled(const std::vector<std::string>& names, const std::string& below,
                                const std::string& root, bool allow_empty = false);

// The pictures of a file of labels, in its order. Those of the folder that it does not name are
// left out. Throws Error naming the file's first line whose picture is not there.
Labelled<std::filesystem::path> list_by_file(const std::filesystem::path& folder,
                                             const std::filesystem::path& labels);
// The same of those of `names` that begin with `below`.
Labelled<int64_t> find_by_file(const std::vector<std::string>& names, const std::string& below,
                               const std::string& root, const std::filesystem::path& labels);

}  // namespace fovea
