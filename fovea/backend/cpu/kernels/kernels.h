// The table of kernels that each instruction set fills in. All depend on the instruction set only
// here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "fovea/backend/cpu/instruction_set.h"
#include "fovea/backend/kinds.h"

namespace fovea::kernels {

// How a product is stored, f being the activation.
enum class Epilogue {
  store,     // c = f(a b + bias)
  add,       // c = f(c + a b + bias)
  residual,  // c += scale * (a b + bias); scale 1 where there is none, and no activation
};

// C [m, n] = A [m, k] B, B packed by pack_panels. Each element of C is one chain of multiply-adds
// over k in ascending order, so its bits don't depend on how rows and columns are shared out.
//
// A gated product has two columns of B for each of C: c = f(a gate + bias) * (a value + bias). Each
// of its panels is lanes gates and then as many values, zeros behind the last ones; it can only be
// stored.
struct Gemm {
  const void* a = nullptr;  // of Product::input
  int64_t a_stride = 0;     // in elements
  const void* b = nullptr;  // panels
  void* c = nullptr;
  Dtype c_dtype = Dtype::f32;  // or Product::input, only to store
  int64_t c_stride = 0;        // in elements
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
  const float* bias = nullptr;   // [n], of a gated product gates' and then values'; may be null
  const float* scale = nullptr;  // [n], may be null
  Epilogue epilogue = Epilogue::store;
  Activation activation = Activation::none;
  bool is_gated = false;
  float* scratch = nullptr;  // Product::gemm_scratch floats, aligned to 64 bytes
};

// Turns pairs of channels of each token's query and key: (a, b) -> (a cos - b sin, b cos + a sin).
struct Turn {
  const float* cos = nullptr;  // [tokens, width / 2], rows `stride` apart; null: none is turned
  const float* sin = nullptr;
  int64_t stride = 0;
  bool in_halves = false;  // pairs are channels (i, i + width / 2), else (2 i, 2 i + 1)
};

// What is added to scores by where query and key stand: table[offset + place[query] - place[key]]
// of patches; a token of place -1 is a class token. The last three entries: what it adds where it
// asks a patch, where a patch asks it, and where it asks itself.
struct RelativeBias {
  const float* table = nullptr;    // [entries]; null: nothing is added
  const int32_t* place = nullptr;  // [tokens], class tokens first
  int32_t offset = 0;
  int32_t entries = 0;
};

// Keys that follow each other in a row of the grid.
struct KeyRun {
  int32_t first = 0;  // token
  int32_t count = 0;
  int32_t y = 0;
  int32_t x = 0;  // of the first
};

// What is added to scores by rows and by columns: q . R[y_query - y_key] + q . S[x_query - x_key],
// q as it is, not scaled. Keys stand where one of these says: `grid_columns`, `runs`, y and x.
struct DecomposedBias {
  // Packed as keys are: tables [2 h - 1 + 2 w - 1, width], each from its last row to its first.
  // Null: nothing is added.
  const void* tables = nullptr;
  int32_t rows = 0;            // 2 h - 1
  int32_t columns = 0;         // 2 w - 1
  const int32_t* y = nullptr;  // [tokens], from 0 to h - 1: of queries, and of keys
  const int32_t* x = nullptr;  // [tokens], from 0 to w - 1
  // Where keys are all cells of a grid, row by row: its columns, which are whole vectors. Else 0.
  int32_t grid_columns = 0;
  // Of all keys, less the one that stands for padding; null: too short to be of use.
  const KeyRun* runs = nullptr;
  int32_t run_count = 0;
  // Where `side` is not 0 the last key stands for the cells that pad a window, all but the first
  // `real_rows` x `real_columns`: exp(score) is the sum of theirs, whose keys are all as it is. It
  // has no size.
  int32_t side = 0;
  int32_t real_rows = 0;
  int32_t real_columns = 0;

  int32_t entries() const { return rows + columns; }
};

// One head of one image: any number of queries attend to `tokens` keys and values.
struct Attention {
  const float* q = nullptr;  // [queries, width], consecutive rows `q_stride` apart
  int64_t q_stride = 0;
  const float* k = nullptr;  // [tokens, width]
  int64_t k_stride = 0;
  const float* v = nullptr;  // [tokens, value_width]
  int64_t v_stride = 0;
  int64_t tokens = 0;
  int64_t width = 0;  // of a head's queries and keys
  int64_t value_width = 0;
  float scale = 1;                  // of q k' where weights are powers of 2; see softmax_scale
  const float* log_size = nullptr;  // [tokens], may be null
  Turn turn;
  RelativeBias relative;
  DecomposedBias decomposed;
  const int32_t* asking = nullptr;  // which token each query is of; null: the token of its number
  void* out = nullptr;              // [queries, value_width], rows `out_stride` elements apart
  int64_t out_stride = 0;
};

// log2(e) / sqrt(width)
float softmax_scale(int64_t width);

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

// Turns rows of floats into rows of another format, both strides in elements; where that goes in
// pairs, a zero follows an odd width.
using ConvertRows = void (*)(const float* rows, int64_t stride, int64_t count, int64_t width,
                             void* out, int64_t out_stride);

// A way to multiply: what B is packed as, and what A is made of.
struct Product {
  InstructionSet needs;
  Dtype input;  // of A; C may be of it too
  // Floats to the nearest of `input`, and what that takes of them, again as `input`; null where
  // that is f32.
  ConvertRows round_rows;
  ConvertRows round_rest;
  // The most of k that a C of `input` can take where that is not f32; of a gated product it is any.
  int64_t most_depth;
  // Floats that a product needs beside its inputs, for each worker; null: none.
  int64_t (*gemm_scratch)(const Gemm& gemm);
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
  // attention_scratch floats.
  void (*attention)(const Attention& attention, int64_t begin, int64_t end, float* scratch);

  constexpr bool rounds() const { return input != Dtype::f32; }
};

struct Table {
  InstructionSet uses;  // all that its kernels need
  int64_t panel_width;  // columns of a packed panel
  int64_t tile_rows;    // most rows of a tile
  int64_t lanes;        // of a vector: columns of a half panel

  std::array<Product, kDtypes> products;  // by the format of weights
  // LayerNorm of rows of `width` channels.
  void (*layer_norm)(const float* x, int64_t stride, int64_t rows, int64_t width,
                     const float* gamma, const float* beta, float eps, float* out,
                     int64_t out_stride);
  // RMSNorm of such rows: x / sqrt(mean(x^2) + eps) * gamma.
  void (*rms_norm)(const float* x, int64_t stride, int64_t rows, int64_t width, const float* gamma,
                   float eps, float* out, int64_t out_stride);
  // Puts rows of `width` channels through an activation, in place.
  void (*activate)(float* x, int64_t stride, int64_t rows, int64_t width, Activation activation);
  // Turns `rows` rows of `width` channels, the first of them by the first row of `turn`.
  void (*rotate)(const float* x, int64_t stride, int64_t rows, int64_t width, const Turn& turn,
                 float* out, int64_t out_stride);
  // Divides each row by its Euclidean norm, in place.
  void (*normalize)(float* x, int64_t rows, int64_t width);
  // `scratch` holds match_scratch(columns, width) floats.
  void (*match)(const Match& match, float* scratch);
  // Sum over rows: out[c] = sum_i factor[i] * row_i[c], in the order given, times `scale`.
  void (*weighted_sum)(const float* const* rows, const float* factors, int64_t count, int64_t width,
                       float scale, float* out);
  // out[c] = max_i row_i[c].
  void (*maximum)(const float* const* rows, int64_t count, int64_t width, float* out);

  constexpr const Product& product(Dtype weights) const {
    return products[static_cast<size_t>(weights)];
  }
};

// Number of panels of n columns, and of those of a gated product with n columns of C.
int64_t panel_count(const Table& table, int64_t n);
int64_t gated_panel_count(const Table& table, int64_t n);
// bias_entries: DecomposedBias::entries.
int64_t attention_scratch(const Table& table, int64_t tokens, int64_t width, int64_t value_width,
                          int64_t bias_entries = 0);
int64_t match_scratch(const Table& table, int64_t columns, int64_t width);

// The best kernels that such a processor can run, each product chosen by itself.
Table table(InstructionSet set);

}  // namespace fovea::kernels
