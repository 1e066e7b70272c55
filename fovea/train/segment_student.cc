#include "fovea/train/segment_student.h"

#include <cmath>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

constexpr int kHeads = 8;  // of the decoder: no file of Segment Anything's own names says others

}  // namespace

Architecture new_encoder(const Recipe& r) {
  Architecture a;
  a.name = "sam";
  a.width = r.width;
  a.depth = r.depth;
  a.block.heads = r.heads;
  a.block.mlp_width = static_cast<int>(std::lround(r.mlp_ratio * r.width));
  a.patch = {r.patch_size, r.patch_size};
  const int side = r.img_size > 0 ? r.img_size : 1024;
  a.image_size = a.input_size = {side, side};
  make_segment_encoder(r.window, r.global_every, r.neck, a);
  if (r.window >= a.position_grid.rows) {
    fail("window is {}; expected less than the {} patches of a side", r.window,
         a.position_grid.rows);
  }
  if (a.over_all.empty()) {
    fail("global_every is {}; expected at most depth, {}", r.global_every, r.depth);
  }
  return a;
}

DecoderShape new_decoder(const Recipe& r) {
  if (r.neck % (2 * kHeads) != 0) {
    fail("neck is {}; expected a multiple of {}: the decoder has {} heads of half of it", r.neck,
         2 * kHeads, kHeads);
  }
  DecoderShape shape;
  shape.heads = kHeads;
  shape.width = shape.token_width = shape.iou_width = r.neck;
  shape.picture_width = r.neck / 2;
  shape.mlp_width = 8 * r.neck;
  shape.half_channels = r.neck / 4;
  shape.mask_channels = r.neck / 8;
  const int side = r.img_size > 0 ? r.img_size : 1024;
  shape.grid = {side / r.patch_size, side / r.patch_size};
  shape.patch = r.patch_size;
  return shape;
}

Array DecoderStart::values(const std::string& name, const Shape& shape, Start start) {
  return source_.read(name, shape, start == Start::normal ? Start::convolution : start);
}

}  // namespace fovea
