// Masks as run lengths, as COCO writes them: what is small enough to keep thousands of.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/api.h"

namespace fovea {

// A mask, column by column: how many pixels are 0, then how many are 1, and so on, in turn. The
// first number alone may be 0, where the mask begins with a 1.
struct Rle {
  int height = 0;
  int width = 0;
  std::vector<uint32_t> counts;
};

// A mask whose rows come one after the other, so that it need never be whole.
class FOVEA_API RleBuilder {
 public:
  // Throws Error for a side of 0, and for more pixels than 32 bits count.
  RleBuilder(int height, int width);
  // The next row, [width]: anything but 0 is 1.
  void add_row(const uint8_t* row);
  // After the last row.
  Rle finish() const;

 private:
  int height_;
  int width_;
  int rows_ = 0;
  std::vector<uint8_t> first_;     // the first row of all, [width]
  std::vector<uint8_t> above_;     // the row before the next, [width]
  std::vector<uint8_t> row_;       // where the next one is prepared, [width]
  std::vector<uint64_t> changes_;  // places, column by column, unlike the one above them
};

// A mask [height, width], row by row: anything but 0 is 1.
FOVEA_API Rle encode_rle(std::span<const uint8_t> mask, int height, int width);

// [height, width], row by row, of 0 and 1.
FOVEA_API std::vector<uint8_t> decode_rle(const Rle& rle);

// Calls take(x, top, bottom) for every piece of a column, from row `top` up to `bottom`, that is 1,
// in their order.
using TakePiece = std::function<void(int x, int top, int bottom)>;
FOVEA_API void for_each_piece(const Rle& rle, const TakePiece& take);

// How many pixels are 1.
FOVEA_API int64_t area_of(const Rle& rle);

// x, y, width and height in pixels of the least box with all that is 1, as pycocotools' toBbox
// counts; zeros for an empty mask.
FOVEA_API std::array<int, 4> box_of(const Rle& rle);

// How many pixels are 1 in both. Throws Error for masks of different sizes, as the next does.
FOVEA_API int64_t overlap(const Rle& a, const Rle& b);

// Intersection over union; 0 where both are empty. With `crowd`, what `b` is in COCO's sense, the
// intersection over the area of `a`.
FOVEA_API double intersection_over_union(const Rle& a, const Rle& b, bool crowd = false);

// The counts as COCO's string, and back. Throws Error, without saying whose mask it is, for what is
// no such string or doesn't count height * width pixels.
FOVEA_API std::string compressed_counts(const Rle& rle);
FOVEA_API Rle rle_of_compressed(std::string_view text, int height, int width);

// Counts from outside as a mask; throws Error where they don't add up to height * width.
FOVEA_API Rle rle_of_counts(std::vector<uint32_t> counts, int height, int width);

}  // namespace fovea
