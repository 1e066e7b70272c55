#include "fovea/data/dataset.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include "fovea/data/file_tree.h"
#include "fovea/data/folder.h"
#include "fovea/data/labelled.h"
#include "fovea/io/fail.h"
#include "fovea/io/zip.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

template <class Picture>
std::vector<int> labels_of(const Labelled<Picture>& labelled, int64_t i) {
  if (labelled.all_labels.empty()) return {labelled.labels[i]};
  return labelled.all_labels[i];
}

template <class Picture>
void check_any(const Labelled<Picture>& labelled, const fs::path& path) {
  if (labelled.pictures.empty()) fail("{}: no picture in any of its class folders", path.string());
}

class FolderDataset : public Dataset {
 public:
  explicit FolderDataset(Labelled<fs::path> labelled, ReadOptions options = {})
      : labelled_(std::move(labelled)), options_(std::move(options)) {}

  int64_t size() const override { return static_cast<int64_t>(labelled_.pictures.size()); }
  const std::vector<std::string>& classes() const override { return labelled_.classes; }
  int label(int64_t i) const override { return labelled_.labels[i]; }
  std::vector<int> labels(int64_t i) const override { return labels_of(labelled_, i); }
  const LeftOut& left_out() const override { return labelled_.left_out; }
  std::string name(int64_t i) const override { return labelled_.pictures[i].string(); }
  Image read(int64_t i) const override { return read_image(labelled_.pictures[i], options_); }

 private:
  Labelled<fs::path> labelled_;
  ReadOptions options_;
};

// The folder that is looked for was not found: says which there are.
[[noreturn]] void fail_for_folder(const ZipFile& zip, const std::string& folder) {
  std::set<std::string> folders;
  for (const std::string& name : zip.names()) {
    const size_t slash = name.find('/');
    if (slash != std::string::npos) folders.insert(printable(name.substr(0, slash)));
  }
  if (folders.empty()) fail("{}: no folder {} in it, nor any other", zip.path().string(), folder);
  fail("{}: no folder {} in it; found {}{}", zip.path().string(), folder, *folders.begin(),
       folders.size() > 1 ? fmt::format(" and {} more", folders.size() - 1) : "");
}

class ZipDataset : public Dataset {
 public:
  // `folder`: within it, or ".".
  ZipDataset(const fs::path& path, const std::string& folder, const DatasetOptions& options)
      : zip_(path), options_(options.read) {
    const std::string below = folder == "." ? "" : folder + "/";
    const auto inside = [&](const std::string& name) { return name.starts_with(below); };
    if (std::none_of(zip_.names().begin(), zip_.names().end(), inside)) {
      fail_for_folder(zip_, folder);
    }
    const std::string root = path.string();
    labelled_ = options.labels.empty()
                    ? find_labelled(zip_.names(), below, root, options.allow_empty)
                    : find_by_file(zip_.names(), below, root, options.labels);
    check_any(labelled_, path);
    zip_.check_readable(labelled_.pictures);
  }

  int64_t size() const override { return static_cast<int64_t>(labelled_.pictures.size()); }
  const std::vector<std::string>& classes() const override { return labelled_.classes; }
  int label(int64_t i) const override { return labelled_.labels[i]; }
  std::vector<int> labels(int64_t i) const override { return labels_of(labelled_, i); }
  const LeftOut& left_out() const override { return labelled_.left_out; }
  std::string name(int64_t i) const override { return zip_.name(labelled_.pictures[i]); }
  Image read(int64_t i) const override {
    return decode_image(zip_.read(labelled_.pictures[i]), name(i), options_);
  }

 private:
  ZipFile zip_;
  Labelled<int64_t> labelled_;
  ReadOptions options_;
};

}  // namespace

std::unique_ptr<Dataset> open_unlabelled(const fs::path& path, const std::string& split) {
  const fs::path whole = join_split(path, split);
  std::error_code ignored;
  if (!fs::is_directory(whole, ignored)) return open_dataset(path, split);
  Labelled<fs::path> all;
  all.pictures = list_pictures({whole}, all.left_out);
  all.classes = {"pictures"};
  all.labels.resize(all.pictures.size());
  return std::make_unique<FolderDataset>(std::move(all));
}

std::unique_ptr<Dataset> open_dataset(const fs::path& path, const std::string& split,
                                      const DatasetOptions& options) {
  const fs::path whole = join_split(path, split);
  std::error_code ignored;
  if (fs::is_directory(whole, ignored)) {
    Labelled<fs::path> labelled = options.labels.empty() ? list_labelled(whole, options.allow_empty)
                                                         : list_by_file(whole, options.labels);
    check_any(labelled, whole);
    return std::make_unique<FolderDataset>(std::move(labelled), options.read);
  }
  if (const std::optional<ZipFolder> at = find_zip(whole)) {
    return std::make_unique<ZipDataset>(at->zip, at->folder, options);
  }
  fail("{}: no such folder, nor such a zip; expected one with a folder of pictures for each class",
       whole.string());
}

}  // namespace fovea
