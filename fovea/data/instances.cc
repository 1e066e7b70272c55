#include "fovea/data/instances.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "fovea/data/image.h"
#include "fovea/io/fail.h"
#include "fovea/io/json.h"
#include "fovea/segment/polygon.h"

namespace fovea {
namespace {

using nlohmann::json;

// An object of a list in the file.
class Entry {
 public:
  Entry(const json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) fail("{} is {}; expected an object", where_, printable_json(object));
  }

  const std::string& where() const { return where_; }
  const json& at(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) fail("{} has no {}", where_, key);
    return *found;
  }
  int64_t whole(const char* key, int64_t least, int64_t most) const {
    const json& value = at(key);
    const bool is_whole = value.is_number_integer();
    // What is too large for a signed number is unsigned.
    const bool fits = is_whole && (!value.is_number_unsigned() ||
                                   value.get<uint64_t>() <= static_cast<uint64_t>(most));
    if (!fits || value.get<int64_t>() < least || value.get<int64_t>() > most) {
      refuse(key, "a whole number");
    }
    return value.get<int64_t>();
  }
  int64_t id(const char* key) const {
    return whole(key, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  }
  bool has(const char* key) const { return object_.contains(key); }
  [[noreturn]] void refuse(const char* key, const std::string& expected) const {
    fail("{}: {} is {}; expected {}", where_, key, printable_json(at(key)), expected);
  }

 private:
  const json& object_;
  std::string where_;
};

const json& list_of(const json& file, const char* key, const std::string& name) {
  const auto found = file.find(key);
  if (found == file.end() || !found->is_array()) {
    fail("{}: no list of {}; expected COCO's images and annotations", name, key);
  }
  return *found;
}

// Below the folder of the pictures.
std::string file_of(const Entry& image) {
  const json& value = image.at("file_name");
  if (!value.is_string()) image.refuse("file_name", "a text");
  const std::filesystem::path path =
      std::filesystem::path(value.get<std::string>()).lexically_normal();
  if (path.empty() || path.is_absolute() || *path.begin() == ".." || !path.has_filename() ||
      path == ".") {
    image.refuse("file_name", "a file in the folder of the pictures");
  }
  return path.generic_string();
}

InstanceFile::Picture picture_of(const Entry& image) {
  InstanceFile::Picture picture{file_of(image), 0, 0, {}};
  picture.height = static_cast<int>(image.whole("height", 1, kMaxPixels));
  picture.width = static_cast<int>(image.whole("width", 1, kMaxPixels));
  if (picture.height > kMaxPixels / picture.width) {
    fail("{}: {} x {} pixels; expected at most {} megapixels", image.where(), picture.width,
         picture.height, kMaxPixels / 1'000'000);
  }
  return picture;
}

// Whether a coordinate lies in the picture, or no further beside it than it is wide or high.
bool is_near(const json& value, int side) {
  if (!value.is_number()) return false;
  const auto x = value.get<double>();
  return x >= -side && x <= 2.0 * side;
}

std::vector<double> polygon_of(const json& corners, const Entry& annotation,
                               const InstanceFile::Picture& picture) {
  constexpr const char* kExpected = "polygons of 3 corners x, y or more in the picture";
  constexpr size_t kLeast = 6;
  if (!corners.is_array() || corners.size() < kLeast || corners.size() % 2 != 0) {
    annotation.refuse("segmentation", kExpected);
  }
  std::vector<double> polygon;
  polygon.reserve(corners.size());
  for (size_t i = 0; i < corners.size(); ++i) {
    if (!is_near(corners[i], i % 2 == 0 ? picture.width : picture.height)) {
      annotation.refuse("segmentation", kExpected);
    }
    polygon.push_back(corners[i].get<double>());
  }
  return polygon;
}

std::vector<uint32_t> counts_of(const json& list, const Entry& annotation) {
  std::vector<uint32_t> counts;
  counts.reserve(list.size());
  for (const json& count : list) {
    if (!count.is_number_unsigned() || count.get<uint64_t>() > kMaxPixels) {
      annotation.refuse("segmentation", "counts of pixels");
    }
    counts.push_back(count.get<uint32_t>());
  }
  return counts;
}

Rle runs_of(const json& segmentation, const Entry& annotation,
            const InstanceFile::Picture& picture) {
  const json size = segmentation.value("size", json());
  if (size != json::array({picture.height, picture.width})) {
    annotation.refuse("segmentation",
                      fmt::format("the picture's size, [{}, {}]", picture.height, picture.width));
  }
  const json counts = segmentation.value("counts", json());
  try {
    if (counts.is_string()) {
      return rle_of_compressed(counts.get<std::string>(), picture.height, picture.width);
    }
    if (counts.is_array()) {
      return rle_of_counts(counts_of(counts, annotation), picture.height, picture.width);
    }
  } catch (const Error& error) {
    fail("{}: segmentation: {}", annotation.where(), error.what());
  }
  annotation.refuse("segmentation", "counts, as a list or COCO's text");
}

Instance instance_of(const Entry& annotation, const InstanceFile::Picture& picture) {
  Instance instance;
  instance.category = annotation.id("category_id");
  if (annotation.has("iscrowd")) {
    const json& crowd = annotation.at("iscrowd");
    if (!crowd.is_boolean()) annotation.whole("iscrowd", 0, 1);
    instance.crowd = crowd == 1 || crowd == true;
  }
  const json& segmentation = annotation.at("segmentation");
  if (segmentation.is_object()) {
    instance.runs = runs_of(segmentation, annotation, picture);
    return instance;
  }
  if (!segmentation.is_array() || segmentation.empty()) {
    annotation.refuse("segmentation", "polygons, or an object of run lengths");
  }
  for (const json& corners : segmentation) {
    instance.polygons.push_back(polygon_of(corners, annotation, picture));
  }
  return instance;
}

}  // namespace

InstanceFile parse_instances(const std::string& text, const std::string& name) {
  const json object = parse_json_object(text, name);
  InstanceFile file;
  std::unordered_map<int64_t, size_t> places;  // of pictures, by their id
  for (const json& value : list_of(object, "images", name)) {
    const Entry image(value, fmt::format("{}: images[{}]", name, file.pictures.size()));
    if (!places.emplace(image.id("id"), file.pictures.size()).second) {
      image.refuse("id", "one that no image before has");
    }
    file.pictures.push_back(picture_of(image));
  }
  size_t number = 0;
  for (const json& value : list_of(object, "annotations", name)) {
    const Entry annotation(value, fmt::format("{}: annotations[{}]", name, number++));
    const auto place = places.find(annotation.id("image_id"));
    if (place == places.end()) annotation.refuse("image_id", "the id of an image");
    InstanceFile::Picture& picture = file.pictures[place->second];
    picture.instances.push_back(instance_of(annotation, picture));
  }
  return file;
}

Rle mask_of(const Instance& instance, int height, int width) {
  if (instance.polygons.empty()) return instance.runs;
  std::vector<Rle> parts;
  parts.reserve(instance.polygons.size());
  for (const std::vector<double>& polygon : instance.polygons) {
    parts.push_back(mask_of_polygon(polygon, height, width));
  }
  return united(parts);
}

}  // namespace fovea
