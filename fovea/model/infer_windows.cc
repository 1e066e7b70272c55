// What shapes tell of the layers of Segment Anything's encoder: which have windows, and how large.
#include "fovea/io/fail.h"
#include "fovea/model/infer.h"

namespace fovea {
namespace {

// The extent along one axis that a layer's table of Segment Anything's relative positions serves.
int table_extent(const Checkpoint& checkpoint, int layer, const char* axis) {
  const std::string name = fmt::format("blocks.{}.attns.0.attn.rel_pos_{}", layer, axis);
  const int rows = extent(checkpoint, name, 2, 0);
  if (rows % 2 == 1) return (rows + 1) / 2;
  fail("{}: tensor {} is {}; expected an odd number of rows, of distances both ways",
       checkpoint.file_name(), checkpoint.spelling(name), to_string(checkpoint.shape(name)));
}

}  // namespace

void infer_windows(const Checkpoint& checkpoint, Architecture& a) {
  if (!checkpoint.in_any_layer("blocks.0.attns.0.attn.rel_pos_h")) return;
  a.decomposed = a.position_grid;
  for (int layer = 0; layer < a.depth; ++layer) {
    const Grid own = {table_extent(checkpoint, layer, "h"), table_extent(checkpoint, layer, "w")};
    if (own == a.position_grid) {
      a.over_all.push_back(layer);
    } else if (own.rows == own.columns && (a.window == 0 || a.window == own.rows)) {
      a.window = own.rows;
    } else {
      fail(
          "{}: tables of relative positions of layer {} are made for {} x {} patches; expected the "
          "{} x {} that positions have, or the square window of the other layers",
          checkpoint.file_name(), layer, own.rows, own.columns, a.position_grid.rows,
          a.position_grid.columns);
    }
  }
}

}  // namespace fovea
