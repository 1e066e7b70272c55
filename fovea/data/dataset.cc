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

template <class File>
std::vector<int> labels_of(const Labelled<File>& labelled, int64_t i) {
  if (labelled.all_labels.empty()) return {labelled.labels[i]};
  return labelled.all_labels[i];
}

template <class File>
void check_any(const Labelled<File>& labelled, const fs::path& path, Medium medium) {
  if (!labelled.files.empty()) return;
  fail("{}: no {} in any of its class folders", path.string(), one_of(medium));
}

LabelledKind kind_of(const DatasetOptions& options) {
  return {options.medium, options.allow_empty};
}

class FolderDataset : public Dataset {
 public:
  FolderDataset(Labelled<fs::path> labelled, const ReadOptions& options)
      : labelled_(std::move(labelled)), files_(std::move(labelled_.files), options) {}

  int64_t size() const override { return files_.size(); }
  const std::vector<std::string>& classes() const override { return labelled_.classes; }
  int label(int64_t i) const override { return labelled_.labels[i]; }
  std::vector<int> labels(int64_t i) const override { return labels_of(labelled_, i); }
  const LeftOut& left_out() const override { return labelled_.left_out; }
  std::string name(int64_t i) const override { return files_.name(i); }
  Image read(int64_t i) const override { return files_.read(i); }
  std::unique_ptr<FrameSource> open_video(int64_t i) const override { return files_.open_video(i); }
  std::unique_ptr<SoundReader> open_sound(int64_t i) const override { return files_.open_sound(i); }

 private:
  Labelled<fs::path> labelled_;  // without its files
  MediaFiles files_;
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
                    ? find_labelled(zip_.names(), below, root, kind_of(options))
                    : find_by_file(zip_.names(), below, root, options.labels, options.medium);
    check_any(labelled_, path, options.medium);
    zip_.check_readable(labelled_.files);
  }

  int64_t size() const override { return static_cast<int64_t>(labelled_.files.size()); }
  const std::vector<std::string>& classes() const override { return labelled_.classes; }
  int label(int64_t i) const override { return labelled_.labels[i]; }
  std::vector<int> labels(int64_t i) const override { return labels_of(labelled_, i); }
  const LeftOut& left_out() const override { return labelled_.left_out; }
  std::string name(int64_t i) const override { return zip_.name(labelled_.files[i]); }
  Image read(int64_t i) const override {
    return decode_image(zip_.read(labelled_.files[i]), name(i), options_);
  }
  std::unique_ptr<FrameSource> open_video(int64_t i) const override {
    return fovea::open_video(unpacked(i), options_);
  }
  std::unique_ptr<SoundReader> open_sound(int64_t i) const override {
    return fovea::open_sound(unpacked(i));
  }

 private:
  SharedBytes unpacked(int64_t i) const {
    return bytes_kept(zip_.read(labelled_.files[i]), name(i));
  }

  ZipFile zip_;
  Labelled<int64_t> labelled_;
  ReadOptions options_;
};

}  // namespace

std::unique_ptr<Dataset> open_unlabelled(const fs::path& path, const std::string& split,
                                         const DatasetOptions& options) {
  const fs::path whole = join_split(path, split);
  std::error_code ignored;
  if (!fs::is_directory(whole, ignored)) return open_dataset(path, split, options);
  Labelled<fs::path> all;
  all.files = list_media({whole}, options.medium, all.left_out);
  all.classes = {many_of(options.medium)};
  all.labels.resize(all.files.size());
  return std::make_unique<FolderDataset>(std::move(all), options.read);
}

std::unique_ptr<Dataset> open_dataset(const fs::path& path, const std::string& split,
                                      const DatasetOptions& options) {
  const fs::path whole = join_split(path, split);
  std::error_code ignored;
  if (fs::is_directory(whole, ignored)) {
    Labelled<fs::path> labelled = options.labels.empty()
                                      ? list_labelled(whole, kind_of(options))
                                      : list_by_file(whole, options.labels, options.medium);
    check_any(labelled, whole, options.medium);
    return std::make_unique<FolderDataset>(std::move(labelled), options.read);
  }
  if (const std::optional<ZipFolder> at = find_zip(whole)) {
    return std::make_unique<ZipDataset>(at->zip, at->folder, options);
  }
  fail("{}: no such folder, nor such a zip; expected one with a folder of {} for each class",
       whole.string(), many_of(options.medium));
}

}  // namespace fovea
