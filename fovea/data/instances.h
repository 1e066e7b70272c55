// COCO's file of instances: which pictures there are, and what is in them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fovea/segment/rle.h"

namespace fovea {

// One thing in a picture, or a crowd of them: polygons, or else run lengths.
struct Instance {
  int64_t category = 0;
  bool crowd = false;
  std::vector<std::vector<double>> polygons;  // corners x, y, x, y, ... in pixels
  Rle runs;                                   // where there are no polygons
};

struct InstanceFile {
  struct Picture {
    std::string file;  // as the file says it: a name, or a path below the pictures' folder
    int height;
    int width;
    std::vector<Instance> instances;
  };
  std::vector<Picture> pictures;  // in the file's order
};

// Reads the text of such a file; `name` stands in messages. Throws Error naming the image or
// annotation, by its place in the file, and what in it is none.
InstanceFile parse_instances(const std::string& text, const std::string& name);

// Its mask, of a picture's size: all that lies in any of its polygons, as COCO's tools draw them.
Rle mask_of(const Instance& instance, int height, int width);

}  // namespace fovea
