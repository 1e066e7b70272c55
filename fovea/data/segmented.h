// Pictures and the true masks of what is in them: COCO's layout, or label maps beside the pictures.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fovea/data/left_out.h"
#include "fovea/data/source.h"
#include "fovea/segment/rle.h"

namespace fovea {

struct TrueMask {
  Rle mask;
  int64_t category = 1;
  bool crowd = false;  // a crowd of such things, not told apart
  int drawing = 0;     // which of several segmentations of the whole picture it belongs to
};

class SegmentedPictures : public PictureSource {
 public:
  // Of a picture; several threads may ask at once. Throws Error with its name.
  virtual std::vector<TrueMask> masks(int64_t i) const = 0;
  virtual const LeftOut& left_out() const = 0;  // beside the pictures
};

// Throws Error, with the picture's name, where masks are of another size than it is.
void check_masks(const Image& image, const std::vector<TrueMask>& masks, const std::string& name);

struct SegmentedPicture {
  Image image;
  std::vector<TrueMask> masks;  // of the picture's size
};

// Throws Error naming the picture that can't be read, or has another size than its masks.
SegmentedPicture read_segmented(const SegmentedPictures& pictures, int64_t i);

// `path` is a folder, a zip file, or a folder in a zip file; `split` a folder in that, or "". In it
// lie
// - one file instances*.json (COCO's), beside the pictures that it names, or, in COCO's own layout
//   of a folder NAME of pictures, ../annotations/instances_NAME.json;
// - or else pictures ID.jpg (or another format) and label maps of them, ID-0.png, ID-1.png, ...,
//   one for each person who segmented the picture: the pixels of one value are one segment.
// Pictures without a label map are left out. Throws Error naming the folder that holds neither, or
// what is wrong with the file of instances.
std::unique_ptr<SegmentedPictures> open_segmented(const std::filesystem::path& path,
                                                  const std::string& split = "",
                                                  const ReadOptions& options = {});

// The segments of a label map, by ascending value.
std::vector<Rle> segments_of(const Image& map);

}  // namespace fovea
