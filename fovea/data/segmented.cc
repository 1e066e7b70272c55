#include "fovea/data/segmented.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "fovea/data/file_tree.h"
#include "fovea/data/folder.h"
#include "fovea/data/instances.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

// COCO's layout.
class InstancePictures : public SegmentedPictures {
 public:
  InstancePictures(std::unique_ptr<FileTree> tree, const std::string& file, ReadOptions options)
      : tree_(std::move(tree)), options_(std::move(options)) {
    const std::vector<std::byte> bytes = tree_->read(file);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    pictures_ = parse_instances(text, tree_->name(file)).pictures;
    for (const InstanceFile::Picture& picture : pictures_) {
      if (tree_->has(picture.file)) continue;
      fail("{}: no such picture, but {} names it", tree_->name(picture.file), tree_->name(file));
    }
    if (pictures_.empty()) fail("{}: names no image", tree_->name(file));
  }

  int64_t size() const override { return static_cast<int64_t>(pictures_.size()); }
  std::string name(int64_t i) const override { return tree_->name(pictures_[i].file); }
  Image read(int64_t i) const override {
    return decode_image(tree_->read(pictures_[i].file), name(i), options_);
  }
  std::vector<TrueMask> masks(int64_t i) const override {
    const InstanceFile::Picture& picture = pictures_[i];
    std::vector<TrueMask> masks;
    masks.reserve(picture.instances.size());
    for (const Instance& instance : picture.instances) {
      masks.push_back(
          {mask_of(instance, picture.height, picture.width), instance.category, instance.crowd, 0});
    }
    return masks;
  }
  const LeftOut& left_out() const override { return left_out_; }

 private:
  std::unique_ptr<FileTree> tree_;
  ReadOptions options_;
  std::vector<InstanceFile::Picture> pictures_;
  LeftOut left_out_;
};

// Label maps beside the pictures.
class MappedPictures : public SegmentedPictures {
 public:
  MappedPictures(std::unique_ptr<FileTree> tree, ReadOptions options)
      : tree_(std::move(tree)), options_(std::move(options)) {
    std::map<std::string, std::map<int64_t, std::string>> maps;  // of a picture's stem
    const std::vector<std::string> names = tree_->names();
    for (const std::string& name : names) {
      if (const MapName map = map_name(name); map.number >= 0) maps[map.stem][map.number] = name;
    }
    for (const std::string& name : names) add(name, maps);
  }

  int64_t size() const override { return static_cast<int64_t>(pictures_.size()); }
  std::string name(int64_t i) const override { return tree_->name(pictures_[i].file); }
  Image read(int64_t i) const override {
    return decode_image(tree_->read(pictures_[i].file), name(i), options_);
  }
  std::vector<TrueMask> masks(int64_t i) const override {
    std::vector<TrueMask> masks;
    const std::vector<std::string>& maps = pictures_[i].maps;
    for (size_t drawing = 0; drawing < maps.size(); ++drawing) {
      for (Rle& segment : segments_of(read_map(maps[drawing]))) {
        masks.push_back({std::move(segment), 1, false, static_cast<int>(drawing)});
      }
    }
    return masks;
  }
  const LeftOut& left_out() const override { return left_out_; }

 private:
  struct Picture {
    std::string file;
    std::vector<std::string> maps;
  };
  // "12-0.png" is map 0 of picture 12; -1 where a name is none of a map.
  struct MapName {
    std::string stem;
    int64_t number = -1;
  };

  static MapName map_name(const std::string& name) {
    constexpr size_t kMostDigits = 9;
    const std::string stem = fs::path(name).stem().string();
    const size_t dash = stem.rfind('-');
    if (ending_of(name) != ".png" || dash == std::string::npos) return {};
    const std::string digits = stem.substr(dash + 1);
    if (digits.empty() || digits.size() > kMostDigits ||
        digits.find_first_not_of("0123456789") != std::string::npos) {
      return {};
    }
    return {stem.substr(0, dash), std::stoll(digits)};
  }

  void add(const std::string& name,
           const std::map<std::string, std::map<int64_t, std::string>>& maps) {
    if (is_hidden(name)) {
      ++left_out_.hidden;
    } else if (!is_picture(name)) {
      left_out_.add_file(name);
    } else if (const auto of = maps.find(fs::path(name).stem().string()); of != maps.end()) {
      Picture picture{name, {}};
      for (const auto& [number, map] : of->second) picture.maps.push_back(map);
      pictures_.push_back(std::move(picture));
    } else if (map_name(name).number < 0) {
      ++left_out_.unlabelled;
    }
  }

  Image read_map(const std::string& file) const {
    ReadOptions options;
    options.counts = std::make_shared<ReadCounts>();
    Image map = decode_image(tree_->read(file), tree_->name(file), options);
    if (options.counts->saturated > 0) {
      fail("{}: a label map of 16 bits with values above 255; expected 8-bit grey, or colours",
           tree_->name(file));
    }
    return map;
  }

  std::unique_ptr<FileTree> tree_;
  ReadOptions options_;
  std::vector<Picture> pictures_;
  LeftOut left_out_;
};

// COCO's file in or beside the folder; "" where there is none.
std::string find_instances(const FileTree& tree, const fs::path& folder) {
  std::string found;
  for (const std::string& name : tree.names()) {
    if (!name.starts_with("instances") || ending_of(name) != ".json") continue;
    if (!found.empty()) {
      fail("{}: two files of instances, {} and {}; expected one beside its pictures",
           folder.string(), found, name);
    }
    found = name;
  }
  const std::string beside =
      fmt::format("../annotations/instances_{}.json", folder.filename().string());
  return found.empty() && tree.has(beside) ? beside : found;
}

}  // namespace

void check_masks(const Image& image, const std::vector<TrueMask>& masks, const std::string& name) {
  for (const TrueMask& truth : masks) {
    const Rle& mask = truth.mask;
    if (mask.width == image.width && mask.height == image.height) continue;
    fail("{}: {} x {} pixels, but its masks are {} x {}", name, image.width, image.height,
         mask.width, mask.height);
  }
}

SegmentedPicture read_segmented(const SegmentedPictures& pictures, int64_t i) {
  SegmentedPicture picture{pictures.read(i), pictures.masks(i)};
  check_masks(picture.image, picture.masks, pictures.name(i));
  return picture;
}

std::unique_ptr<SegmentedPictures> open_segmented(const fs::path& path, const std::string& split,
                                                  const ReadOptions& options) {
  const fs::path folder = join_split(path, split);
  std::unique_ptr<FileTree> tree = open_tree(folder);
  if (const std::string file = find_instances(*tree, folder); !file.empty()) {
    return std::make_unique<InstancePictures>(std::move(tree), file, options);
  }
  auto mapped = std::make_unique<MappedPictures>(std::move(tree), options);
  if (mapped->size() > 0) return mapped;
  fail(
      "{}: no pictures with masks; expected COCO's instances*.json, or label maps ID-0.png beside "
      "ID.jpg",
      folder.string());
}

std::vector<Rle> segments_of(const Image& map) {
  struct Segment {
    Rle rle;
    uint32_t end = 0;  // of its last run
  };
  std::map<uint32_t, Segment> segments;
  const auto value_at = [&](size_t x, size_t y) {
    const uint8_t* rgb = map.rgb.data() + 3 * (y * map.width + x);
    return uint32_t{rgb[0]} | uint32_t{rgb[1]} << 8 | uint32_t{rgb[2]} << 16;
  };
  uint32_t place = 0;
  Segment* segment = nullptr;
  uint32_t value = 0;
  for (int x = 0; x < map.width; ++x) {
    for (int y = 0; y < map.height; ++y, ++place) {
      const uint32_t here = value_at(x, y);
      if (segment == nullptr || here != value) {
        value = here;
        segment = &segments[value];
        segment->rle.counts.push_back(place - segment->end);
        segment->rle.counts.push_back(0);
      }
      ++segment->rle.counts.back();
      segment->end = place + 1;
    }
  }
  std::vector<Rle> masks;
  for (auto& [number, found] : segments) {
    if (found.end < place) found.rle.counts.push_back(place - found.end);
    found.rle.height = map.height;
    found.rle.width = map.width;
    masks.push_back(std::move(found.rle));
  }
  return masks;
}

}  // namespace fovea
