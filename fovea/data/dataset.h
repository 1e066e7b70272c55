// Labelled pictures: a folder per class, or a zip file of one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fovea/data/left_out.h"
#include "fovea/data/source.h"

namespace fovea {

// Class after class, sorted by name.
class Dataset : public PictureSource {
 public:
  virtual const std::vector<std::string>& classes() const = 0;  // the folders' names, sorted
  virtual int label(int64_t i) const = 0;                       // into classes()
  virtual const LeftOut& left_out() const = 0;                  // beside the pictures
};

// `options`: how its pictures are read. `path` is a folder, a zip file, or a folder in a zip file
// ("cifar.zip/train"); `split` a folder in that ("train"), or "" where the classes' folders lie in
// `path` itself. Throws Error naming what is not there, is no zip, is encrypted, has no classes or
// one only, or is a class without a picture.
std::unique_ptr<Dataset> open_dataset(const std::filesystem::path& path, const std::string& split,
                                      const ReadOptions& options = {});

// For training without labels: a folder's pictures, as deep as they lie, are of one class; a zip
// file is as above. Throws Error likewise, and where the folder has no picture.
std::unique_ptr<Dataset> open_unlabelled(const std::filesystem::path& path,
                                         const std::string& split);

}  // namespace fovea
