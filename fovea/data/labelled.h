// Pictures, videos or sound in a folder per class: which classes there are, and what is no such
// folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/data/left_out.h"
#include "fovea/model/architecture.h"

namespace fovea {

template <class File>
struct Labelled {
  std::vector<File> files;           // class after class
  std::vector<int> labels;           // of each, into classes; the first where it has several
  std::vector<std::string> classes;  // the folders' names, sorted
  LeftOut left_out = {};
  std::vector<std::vector<int>> all_labels = {};  // of each, ascending; empty where all have one
};

// What is looked for.
struct LabelledKind {
  Medium medium = Medium::picture;  // videos may be folders of pictures, but not in zip files
  bool allow_empty = false;         // classes may have no file
};

// FOLDER/CLASS/*.jpg, files as deep as they lie, sorted (list_media). Throws Error naming the
// folder that has no class folders, only one, files beside them, splits instead of classes, or a
// class without a file unless that is allowed.
Labelled<std::filesystem::path> list_labelled(const std::filesystem::path& folder,
                                              const LabelledKind& kind = {});

// The same of those of `names` that begin with `below` ("" or "train/"): "train/cat/1.png", and
// "train/cat/" of a folder. Files are places in `names`. `root` is where they lie, for messages.
Labelled<int64_t> find_labelled(const std::vector<std::string>& names, const std::string& below,
                                const std::string& root, const LabelledKind& kind = {});

// What a file of labels names, in its order. What else is of the medium in the folder is left out.
// Throws Error naming the file's first line of which nothing is there.
Labelled<std::filesystem::path> list_by_file(const std::filesystem::path& folder,
                                             const std::filesystem::path& labels,
                                             Medium medium = Medium::picture);
// The same of those of `names` that begin with `below`.
Labelled<int64_t> find_by_file(const std::vector<std::string>& names, const std::string& below,
                               const std::string& root, const std::filesystem::path& labels,
                               Medium medium = Medium::picture);

}  // namespace fovea
