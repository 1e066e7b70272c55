#include "fovea/train/segment_student.h"

#include <cmath>

#include "fovea/io/fail.h"
#include "fovea/model/positions.h"
#include "fovea/model/relative.h"

namespace fovea {
namespace {

constexpr int kHeads = 8;  // of the decoder: no file of Segment Anything's own names says others

void check_window(const Architecture& a) {
  if (a.window >= a.position_grid.rows) {
    fail("window is {}; expected less than the {} patches of a side", a.window,
         a.position_grid.rows);
  }
}

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
  check_window(a);
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

void resize_encoder(const Grid& size, Architecture& a) {
  a.image_size = a.input_size = size;
  place_segment_encoder(a);
  check_window(a);
}

Array ResizedEncoder::values(const std::string& name, const Shape& shape, Start start) {
  if (name == "pos_embed") return positions(name, shape);
  for (const int layer : to_.over_all) {
    const std::string table = fmt::format("blocks.{}.attns.0.attn.rel_pos_", layer);
    if (!name.starts_with(table)) continue;
    const int side = name.ends_with("h") ? from_.decomposed.rows : from_.decomposed.columns;
    return resample_table(source_.read(name, {2 * int64_t{side} - 1, shape[1]}, start), shape[0]);
  }
  return source_.read(name, shape, start);
}

Array ResizedEncoder::positions(const std::string& name, const Shape& shape) {
  const Grid& grid = from_.position_grid;
  Array table = source_.read(name, {1, grid.rows, grid.columns, shape[3]});
  const PositionMap map = position_map(from_, to_.position_grid);
  if (!map.is_resampled()) return table;
  return {shape, resample(table.data, shape[3], map)};
}

}  // namespace fovea
