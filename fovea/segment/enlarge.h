// Low-resolution masks at a picture's size, as the original enlarges them: bilinearly to the
// square, cut to what the picture takes of it, bilinearly to the picture's size.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <vector>

#include "fovea/api.h"
#include "fovea/segment/placement.h"
#include "fovea/segment/rle.h"

namespace fovea {

// The enlarging for one picture; serves any number of masks, from several threads at once.
class FOVEA_API MaskEnlarger {
 public:
  // Masks of low_side x low_side logits. Throws Error where that is more than the square's side.
  MaskEnlarger(const PicturePlace& placement, int low_side);

  // Called with one row of the picture after the other: [width] logits.
  using TakeRow = std::function<void(std::span<const float> row)>;
  // Both ways are bilinear, so that each row and column of the picture is a sum of up to three of
  // the mask's: nothing as large as the picture or the square is made. logits: [low_side *
  // low_side], row by row.
  void enlarge(std::span<const float> logits, const TakeRow& take) const;

  int width() const { return width_; }
  int height() const { return height_; }

  static constexpr int kTaps = 3;

 private:
  // A row or column of the picture: those of the mask from `first` on, weighted.
  struct Blend {
    int first = 0;
    std::array<float, kTaps> weights = {};
  };
  static std::vector<Blend> blends(int from, int side, int kept, int to);
  void widen(const float* row, std::vector<float>& wide) const;

  int low_side_;
  int width_;
  int height_;
  std::vector<Blend> columns_;  // [width]
  std::vector<Blend> rows_;     // [height]
};

// A mask of the picture: what is above 0.
struct PictureMask {
  Rle rle;
  // How little it depends on where the line is drawn: |logit > 1| / |logit > -1|; 0 where there is
  // nothing above -1.
  double stability = 0;
};
FOVEA_API PictureMask picture_mask(const MaskEnlarger& enlarger, std::span<const float> logits);

}  // namespace fovea
