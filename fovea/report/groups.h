// Pictures of merged tokens: a picture and a label for each of its patches, drawn.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "fovea/data/image.h"

namespace fovea {

inline constexpr int32_t kRemoved = -1;  // label of a patch whose token was dropped

// A label for each patch of a picture, row by row; patches of one label are one group, wherever
// they lie.
struct PatchLabels {
  int rows = 0;
  int columns = 0;
  std::vector<int32_t> of;  // [rows * columns]
  // In pixels, of pictures that end before the patches do; 0: the patches fill the picture.
  int patch_height = 0;
  int patch_width = 0;

  int32_t at(int row, int column) const { return of[static_cast<size_t>(row) * columns + column]; }
};

// The colour of a pixel: of its patch's label, what was there, and its place.
using PixelColour = std::function<Rgb(int32_t label, const Rgb& was, int x, int y)>;
enum class Lines { none, between };  // where two labels meet

// The picture, every pixel in another colour. Throws Error where the picture's sides are no
// multiples of the patches' numbers, or it is larger than the patches are, or labels are missing.
// thickness: of lines, in pixels; 0: as line_thickness has it.
Image draw_patches(const Image& picture, const PatchLabels& labels, Lines lines,
                   const PixelColour& colour, int thickness = 0);

// Every group in the mean colour of its pixels, with lines where two groups meet (as in figure 4 of
// the ToMe paper); removed patches as dark grey pictures of themselves under hatching. The mean is
// that of the light, not of the sRGB numbers: the colour that the group has from afar. Throws Error
// as draw_patches does.
Image draw_groups(const Image& picture, const PatchLabels& labels);

// The same of the frames of a clip, with labels for each: the mean is over all of them, so that a
// group has one colour, and lines of one colour, wherever it goes. Throws Error likewise, and where
// there are not as many labels as frames.
std::vector<Image> draw_groups(std::span<const Image> frames, std::span<const PatchLabels> labels);

// The same in other colours, one for each group. Throws Error likewise.
using GroupColours = std::unordered_map<int32_t, Rgb>;
Image draw_groups(const Image& picture, const PatchLabels& labels, const GroupColours& colours);

// The picture with lines where windows of so many pixels meet, the first in the upper left corner:
// the last pixel of one white, the first of the next black, to be seen on whatever is drawn.
Image draw_windows(const Image& picture, int height, int width);

// How bright a colour is, from 0 to 255.
int grey_of(const Rgb& colour);

// The colour of a line over a plain area: halfway to white, or darker where that is bright already.
Rgb line_on(const Rgb& colour);

// How thick a line draw_groups makes between patches of so many pixels: 1 or 2. A line of 1 is the
// first row or column of the patch below or to the right; one of 2 takes the last of the other
// patch, too.
int line_thickness(int patch_height, int patch_width);

// How many groups there are; removed patches are none.
int count_groups(const PatchLabels& labels);

// Pictures from left to right, or from top to bottom, with white gaps between them, and white
// below, or beside, those that are less high, or wide, than others.
Image beside(std::span<const Image> pictures, int gap);
Image below(std::span<const Image> pictures, int gap);

}  // namespace fovea
