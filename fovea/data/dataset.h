// Labelled pictures, videos or sound: a folder per class, or a zip file of one; or any, with a file
// of labels.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fovea/data/left_out.h"
#include "fovea/data/source.h"
#include "fovea/model/architecture.h"

namespace fovea {

// Class after class, sorted by name; with a file of labels in the order of that.
class Dataset : public MediaSource {
 public:
  virtual const std::vector<std::string>& classes() const = 0;  // folders' names or labels, sorted
  virtual int label(int64_t i) const = 0;  // into classes(); the first of several
  virtual std::vector<int> labels(int64_t i) const { return {label(i)}; }  // all, ascending
  virtual const LeftOut& left_out() const = 0;                             // beside the files
};

struct DatasetOptions {
  bool allow_empty = false;  // classes may have no file
  // A file of labels (label_file.h): folders are no classes then.
  std::filesystem::path labels = {};
  ReadOptions read = {};            // how its pictures are read
  Medium medium = Medium::picture;  // what is looked for
};

// `path` is a folder, a zip file, or a folder in a zip file ("cifar.zip/train"); `split` a folder
// in that ("train"), or "" where the classes' folders lie in `path` itself. Throws Error naming
// what is not there, is no zip, is encrypted, has no classes or one only, or is a class without a
// file; or the line of the file of labels whose file is not there. What a zip holds of videos or
// sound is unpacked into memory file by file.
std::unique_ptr<Dataset> open_dataset(const std::filesystem::path& path, const std::string& split,
                                      const DatasetOptions& options = {});

// For training without labels: a folder's files, as deep as they lie, are of one class; a zip file
// is as above. Throws Error likewise, and where the folder has no such file.
std::unique_ptr<Dataset> open_unlabelled(const std::filesystem::path& path,
                                         const std::string& split,
                                         const DatasetOptions& options = {});

}  // namespace fovea
