// The table of kernels that each instruction-set level fills in. All depend on the instruction set
// only here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fovea/backend/cpu/level.h"

namespace fovea::kernels {

// What happens to a product before it is stored.
enum class Epilogue {
  store,     // c = a b + bias
  gelu,      // c = gelu(a b + bias), the erf form
  residual,  // c += scale * (a b + bias); scale 1 where there is none
  add_gelu,  // c = gelu(c + a b + bias)
};

// C [m, n] = A [m, k] B, B packed by pack_panels. Each element of C is one chain of multiply-adds
// over k in ascending order, so its bits don't depend on how rows and columns are shared out.
struct Gemm {
  const void* a = nullptr;  // floats, or bf16 where Product::half_input
  int64_t a_stride = 0;     // in elements
  const void* b = nullptr;  // panels
  float* c = nullptr;
  uint16_t* c_half = nullptr;  // written instead of c, where Product::half_input; not for residual
  int64_t c_stride = 0;
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
  const float* bias = nullptr;   // [n], may be null
  const float* scale = nullptr;  // [n], may be null
  Epilogue epilogue = Epilogue::store;
  float* scratch = nullptr;  // Product::gemm_scratch floats, aligned to 64 bytes
};

// One head of one image: any number of queries attend to `tokens` keys and values.
struct Attention {
  const float* q = nullptr;  // [queries, width], consecutive rows `q_stride` apart
  int64_t q_stride = 0;
  const float* k = nullptr;  // [tokens, width], consecutive rows `stride` apart; so v
  const float* v = nullptr;
  int64_t stride = 0;
  int64_t tokens = 0;
  int64_t width = 0;                // of a head
  const float* log_size = nullptr;  // [tokens], may be null
  void* out = nullptr;              // [queries, width], rows `out_stride` elements apart
  int64_t out_stride = 0;
};

enum class Similarity { dot, euclidean, softmax };

// For each of `rows` A tokens its most similar B token among columns [first_allowed, columns); ties
// go to the lower column.
struct Match {
  const float* a = nullptr;  // [rows, width]
  const float* b = nullptr;  // [columns, width]
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t width = 0;
  int64_t first_allowed = 0;
  Similarity similarity = Similarity::dot;
  float* best = nullptr;           // [rows]
  int32_t* best_column = nullptr;  // [rows]
  // [rows], rising; may be null: first_allowed of each row. One of `columns` leaves it none: -inf.
  const int32_t* allowed = nullptr;
  // [rows] of [columns], may be null: by what of each pair 1 less its score is multiplied; best is
  // the largest of the negative products.
  const float* const* factors = nullptr;
};

// A way to multiply: what B is packed as, and what A is made of.
struct Product {
  bool half_input;  // A is bf16, and C may be
  // The most of k that a bf16 C can take.
  int64_t most_depth;
  int64_t gemm_scratch;  // floats that a product needs beside its inputs, for each worker
  // Rows of A that stay in the second cache while the panels pass, for k columns.
  int64_t (*hot_rows)(int64_t k);
  // Bytes of B packed, for n columns and k rows.
  int64_t (*packed_bytes)(int64_t n, int64_t k);
  // Packs B given as `n` rows of `k` (a Linear's weight, or keys) into panels of Table::panel_width
  // columns (the last one may be half as wide), columns past n zero. Panels [begin, end) only.
  void (*pack_panels)(const float* rows, int64_t stride, int64_t n, int64_t k, int64_t begin,
                      int64_t end, void* panels);
  // Rows [row_begin, row_end) x panels [panel_begin, panel_end) of a product.
  void (*gemm)(const Gemm& gemm, int64_t row_begin, int64_t row_end, int64_t panel_begin,
               int64_t panel_end);
  // Queries [begin, end) of one head; out is of the kind of A. `scratch` holds
  // attention_scratch(tokens, width) floats.
  void (*attention)(const Attention& attention, int64_t begin, int64_t end, float* scratch);
};

using NarrowRows = void (*)(const float* rows, int64_t stride, int64_t count, int64_t width,
                            uint16_t* out, int64_t out_stride);

struct Table {
  SimdLevel level;
  int64_t panel_width;  // columns of a packed panel
  int64_t tile_rows;    // most rows of a tile
  int64_t lanes;        // of a vector: columns of a half panel

  Product f32;
  Product bf16;  // weights in bf16; arithmetic too where the level has it
  // Rows of floats to rows of bf16, a zero behind an odd width; null where no product takes them.
  NarrowRows narrow_rows;
  // What that takes of the rows, as bf16.
  NarrowRows narrow_rest;
  // LayerNorm of rows of `width` channels.
  void (*layer_norm)(const float* x, int64_t stride, int64_t rows, int64_t width,
                     const float* gamma, const float* beta, float eps, float* out,
                     int64_t out_stride);
  // Divides each row by its Euclidean norm, in place.
  void (*normalize)(float* x, int64_t rows, int64_t width);
  // `scratch` holds match_scratch(columns, width) floats.
  void (*match)(const Match& match, float* scratch);
  // Sum over rows: out[c] = sum_i factor[i] * row_i[c], in the order given, times `scale`.
  void (*weighted_sum)(const float* const* rows, const float* factors, int64_t count, int64_t width,
                       float scale, float* out);
  // out[c] = max_i row_i[c].
  void (*maximum)(const float* const* rows, int64_t count, int64_t width, float* out);
};

// Number of panels of n columns.
int64_t panel_count(const Table& table, int64_t n);
int64_t attention_scratch(const Table& table, int64_t tokens, int64_t width);
int64_t match_scratch(const Table& table, int64_t columns, int64_t width);

// The table of a level that is available here.
const Table& table(SimdLevel level);

}  // namespace fovea::kernels
