// The inference backend: eager operations on CPU tensors, no libtorch.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fovea/backend/cpu/arena.h"
#include "fovea/backend/cpu/kernels/kernels.h"
#include "fovea/backend/cpu/tensor.h"
#include "fovea/backend/cpu/threads.h"
#include "fovea/backend/grid.h"
#include "fovea/backend/input.h"
#include "fovea/backend/kinds.h"
#include "fovea/backend/plan.h"
#include "fovea/backend/positions.h"
#include "fovea/backend/profile.h"
#include "fovea/backend/projection.h"
#include "fovea/backend/token_state.h"
#include "fovea/backend/weight.h"
#include "fovea/io/array.h"

namespace fovea {

// A linear layer's weights, packed for the instruction set they will run at.
struct CpuLinear {
  int64_t in = 0;
  int64_t out = 0;
  bool is_gated = false;  // of 2 * out rows, gates first
  Dtype dtype = Dtype::f32;
  std::shared_ptr<float[]> panels;  // of `dtype`
  std::vector<float> bias;

  int64_t rows() const { return is_gated ? 2 * out : out; }  // of the weight
};

// The joint weights of queries, keys and values, each beginning with a panel of its own. Where
// products round their inputs, what that took is added to the mean over heads, by which tokens are
// matched: near-ties would fall another way.
struct CpuQkv {
  CpuLinear joint;
  CpuLinear q, kv;                // parts of it
  int64_t width = 0;              // channels of q, of k and of v
  std::array<CpuLinear, 3> mean;  // over heads, by QkvPart; empty where nothing is rounded
};

struct CpuProjection : Projected<Tensor> {
  std::optional<Tensor> rest = {};  // what rounding took of the inputs, where somebody asks
  const std::array<CpuLinear, 3>* mean_weights = nullptr;  // over heads
};

// Biases of attention by relative position, of a grid of patches.
struct CpuRelative {
  Grid grid = {};
  Array table;  // [heads, entries]
};

// Tables of biases by rows and by columns apart, in the format in which attention multiplies.
struct CpuDecomposed {
  int32_t rows = 0;     // 2 h - 1
  int32_t columns = 0;  // 2 w - 1
  CpuLinear tables;     // [rows + columns, d], each table from its last row to its first
};

struct CpuNorm {
  std::vector<float> gamma, beta;  // no beta: RMSNorm
  float eps = 1e-6F;
};

// What stands before, and what is added to, the patches of an input, row-major.
struct CpuPositions {
  std::vector<float> prefix;   // [p, C]: prefix tokens with their positions
  std::vector<float> patches;  // [P, C]; empty where the model has no positions
};

// Operations of one run. Weights may be shared by many; an object of this class serves one thread's
// run at a time, and spreads its loops over `threads`. Results never depend on how many threads
// there are or on what else is in the batch. Must outlive the tensors it hands out.
class Cpu {
 public:
  using Tensor = fovea::Tensor;
  using Linear = CpuLinear;
  using Norm = CpuNorm;
  using Qkv = CpuQkv;
  using Projection = CpuProjection;
  using Vector = std::vector<float>;  // per channel
  using Rows = Array;                 // [.., rows, channels]
  using Positions = CpuPositions;
  using Relative = CpuRelative;
  using Decomposed = CpuDecomposed;
  using Sight = fovea::Sight<Relative, Rows, Decomposed, Qkv>;
  // Weights stay as they were made, so what is computed from them alone can be kept.
  static constexpr bool kTrains = false;
  static constexpr bool kComputes = true;

  // dtype: of the weights that it makes, and of the arithmetic where `instructions` have it.
  Cpu(InstructionSet instructions, Dtype dtype, std::shared_ptr<Threads> threads);

  // Where the time of what follows is added up; null: nowhere.
  void set_profile(Profile* profile) { profile_ = profile; }
  // Counts the time until the end of the caller's scope as `work`.
  Timed time(Work work) const { return {profile_, work}; }

  // Weights. weight: [out, in]; bias: [out] or empty for zeros, as wherever there is one.
  Linear make_linear(const Weight& weight, const Weight& bias);
  // One whose outputs are activation(gates) * values: weight [2 out, in] and bias [2 out], gates
  // first.
  Linear make_gated_linear(const Weight& weight, const Weight& bias);
  // A linear layer in single precision whatever the dtype, for small ones that decide something.
  Linear make_exact_linear(const Weight& weight, const Weight& bias);
  // One without bias, in single precision, made of other weights: [out, in].
  Linear make_fixed_linear(const Array& weight) { return pack(weight, {}, Dtype::f32); }
  // A LayerNorm without scale and shift.
  static Norm make_fixed_norm(int64_t channels, double eps);
  // A convolution, [out, in, k, k] and [out], and the batch norm after it where there is one, as a
  // linear layer over rows that hold a whole window in that order.
  Linear make_convolution(const Weight& weight, const Weight& bias,
                          const std::optional<BatchNorm>& norm, RowOrder order);
  // A transposed convolution whose steps are as wide as its kernel, [in, out, k, k] and [out], as a
  // linear layer to k k out channels, (row, column, channel): unfold() makes k k rows of each.
  Linear make_unfolding(const Weight& weight, const Weight& bias);
  // weight: [3 C', C]; bias: [3 C']; C' channels in all heads.
  Qkv make_qkv(const Weight& weight, const Weight& bias, int heads);
  // LayerNorm: [channels] each.
  Norm make_norm(Weight gamma, Weight beta, double eps);
  // RMSNorm: x / sqrt(mean(x^2) + eps) * gamma.
  Norm make_rms_norm(Weight gamma, double eps);
  // Biases of attention by relative position, weight: [(2 h - 1) (2 w - 1) + 3, heads] for a grid
  // of h x w patches behind one class token (BEiT's).
  Relative make_relative(const Weight& weight, const Grid& grid);
  // Biases q . R[y_q - y_k] + q . S[x_q - x_k] of scores, q not scaled (Segment Anything's): tables
  // [2 h - 1, d] and [2 w - 1, d], whose middle rows are of distance 0.
  Decomposed make_decomposed(const Weight& rows, const Weight& columns);
  Vector make_vector(Weight values);
  Rows make_rows(Weight rows);
  // A weight that the host alone reads, and nothing trains.
  static void make_fixed(const Weight& /*weight*/) {}

  // Cuts inputs into patches, flattened as convolution weights are (channel, frame, row, column),
  // `step` from each other. With splits each patch of a picture is cut again into splits[0] x
  // splits[0] pieces, those by splits[1] and so on, in an order such that fold() joins neighbours:
  // [B, patches * pieces, channels * frames * rows * columns of a piece].
  Tensor patches(const Input& input, const Grid& patch, const Grid& step,
                 std::span<const int> splits);
  // [B, T * count, C] as [B, T, count * C]: the same memory, every `count` rows joined.
  Tensor fold(const Tensor& x, int count);
  // [B, T, count * C] as [B, T * count, C]: fold() backwards, the same memory.
  Tensor unfold(const Tensor& x, int count);
  // The table of positions whose leading rows (may be empty) are these, and whose others are, for
  // every row of `outer`, the sums of it and each row of `inner`: [1, L + O I, C].
  static Rows cross(const Rows& leading, const Rows& outer, const Rows& inner);
  // Prefix tokens, joined in their order, and a table of positions (may be empty) as an input needs
  // them.
  Positions positions(std::span<const Rows> prefix, const Rows& table, const PositionMap& map);
  // Puts prefix tokens before the patches of every image and adds positions to these.
  Tensor embed(const Tensor& patches, const Positions& positions);

  // A 3x3 convolution with padding 1 (make_convolution, channels_last) over images whose rows are
  // `grid` (height, width) places in order: [B, h w, C] -> [B, h / s w / s, C'].
  Tensor convolve(const Tensor& x, const Linear& w, const Grid& grid, int stride,
                  Activation activation = Activation::none);

  Tensor linear(const Tensor& x, const Linear& w, Activation activation = Activation::none,
                Precision precision = Precision::single);
  // x + scale * linear(h); x is consumed. An empty scale is 1.
  Tensor add_linear(Tensor x, const Tensor& h, const Linear& w, const Vector& scale);
  // LayerNorm or RMSNorm, as the norm is.
  Tensor layer_norm(const Tensor& x, const Norm& norm, Precision precision = Precision::single);
  // The same of each head's channels by themselves, heads * norm's channels being those of x; x is
  // consumed.
  Tensor head_norm(Tensor x, const Norm& norm, int heads);
  // activation(layer_norm(x)).
  Tensor norm_activation(const Tensor& x, const Norm& norm, Activation activation,
                         Precision precision = Precision::single);
  // x + y. Where y has fewer rows they repeat: what every image, or every row, is given.
  Tensor add(const Tensor& x, const Tensor& y, Precision precision = Precision::single);
  // x [B, T, C] times, image by image, w [B, M, C] transposed: [B, T, M].
  Tensor product(const Tensor& x, const Tensor& w);
  // x + layer_norm(linear(h)); x is consumed.
  Tensor add_normed_linear(Tensor x, const Tensor& h, const Linear& w, const Norm& norm);
  // linear(layer_norm(x)) as one; here and below without a norm linear(x).
  Tensor norm_linear(const Tensor& x, const std::optional<Norm>& norm, const Linear& w,
                     Activation activation = Activation::none,
                     Precision precision = Precision::product);
  // linear(layer_norm(x)) to queries, keys and values. `w` must outlive what is returned, and
  // `matched` says that head_mean will be asked of it as it is.
  Projection project(const Tensor& x, const std::optional<Norm>& norm, const Qkv& w, bool matched);
  // Queries of the rows of `asking` [B, K, C], keys and values of all rows of x [B, T, C].
  Projection project(const Tensor& asking, const Tensor& x, const std::optional<Norm>& norm,
                     const Qkv& w, bool matched);
  // `count` channels of x from `begin` on: no copy.
  static Tensor columns(const Tensor& x, int64_t begin, int64_t count) {
    return x.columns(begin, count);
  }
  // The same rows for every image: [batch, rows, C].
  Tensor repeat(const Rows& rows, int64_t batch);
  // The rows of several tables as the tokens of one image.
  Tensor join(std::span<const Rows> tables);
  // Softmax attention over all heads: softmax(q k' / sqrt d + log sizes + relative) v, q and k
  // turned before. Returns [B, T, heads * d], or [B, K, heads * d] where only some tokens ask.
  // `state` is of the keys. Cells that pad a window are one more key, which weighs as much as all
  // of them together: their keys and values are the same.
  Tensor attention(const Projection& qkv, int heads, const TokenState& state,
                   const Sight& sight = {});
  // x [B, T, heads * d] turned, as attention turns queries and keys.
  Tensor rotate(const Tensor& x, int heads, const Turns& turns);

  // Similarity features. The mean over the heads of all branches of one part of each qkv: [B, T, C
  // / heads].
  Tensor head_mean(std::span<const Projection> qkv, QkvPart part, int heads);
  // The same joined over heads instead: [B, T, branches * C].
  Tensor head_concat(std::span<const Projection> qkv, QkvPart part);
  // The mean of several tensors of one shape.
  Tensor mean(std::span<const Tensor> x);

  // For every A token its most similar B token that may receive.
  Edges match(const Tensor& feature, const Partition& partition, Distance distance);
  // For every A token the B token that costs least of those that it may go to: (1 - cosine) (m n /
  // (m + n))^exponent, m and n being their sizes. The score is less the cost; infinitely so, and
  // the target the token itself, where it may go to none.
  Edges match_ranked(const Tensor& feature, const Ranking& ranking, std::span<const float> sizes,
                     double exponent);
  // What each row gets of the attention of its image's first token, the class token: the mean over
  // the heads of all branches. That token must ask. state, sight: as for attention.
  std::vector<float> class_attention(std::span<const Projection> qkv, int heads,
                                     const TokenState& state, const Sight& sight = {});
  // The same of each head by itself, those of a branch behind those of the one before it: [rows,
  // branches * heads].
  Array class_attention_by_head(std::span<const Projection> qkv, int heads, const TokenState& state,
                                const Sight& sight = {});
  // The tokens after a merge; sizes: one a row of x.
  Tensor merge(const Tensor& x, std::span<const float> sizes, const Plan& plan, MergeMode mode);

  // Routing (big.LITTLE ViT). How much each token is worth the big path: softmax(w x)[1] from a
  // predictor of two outputs, 1 for the first `protected_tokens` (at most all) of every image: [B,
  // T, 1].
  Tensor keep_scores(const Tensor& x, const Linear& w, int protected_tokens);
  // The rows of a route: [B, K, C].
  Tensor gather(const Tensor& x, const Route& route);
  // The same rows as other sequences: the same memory.
  static Tensor regroup(const Tensor& x, Sequences first) { return x.regrouped(std::move(first)); }
  // x + (1 + alpha * scores) * update, row by row; scores [B, T, 1], alpha of one value.
  Tensor add_gated(const Tensor& x, const Tensor& update, const Tensor& scores,
                   const Vector& alpha);
  // x with the rows of a route replaced by those of `rows` [B, K, C]; x is consumed.
  Tensor put(Tensor x, const Tensor& rows, const Route& route);
  // x with gamma * (after - before) added to the rows of a route; gamma of one value. x is
  // consumed.
  Tensor add_change(Tensor x, const Tensor& before, const Tensor& after, const Route& route,
                    const Vector& gamma);

  // One token of every image: [B, 1, C].
  Tensor token(const Tensor& x, int index);
  // The mean over the tokens from `prefix` on, weighted by size: [B, 1, C].
  Tensor average(const Tensor& x, std::span<const float> sizes, int prefix);
  // Channels of a, then those of b.
  Tensor concat_channels(const Tensor& a, const Tensor& b);

  // Where the sequences of x lie.
  const Sequences& sequences(const Tensor& x) const { return x.sequences(); }
  // A copy that outlives this object, and that other ones may read meanwhile, from any thread.
  static Tensor keep(const Tensor& x);
  // Rows [T, C] as the tokens of one image.
  Tensor write(const Array& rows);
  // All rows, [rows, channels] in order.
  void read(const Tensor& x, float* out) const;
  Array read(const Tensor& x) const;

 private:
  // A tensor of x's tokens.
  Tensor like(const Tensor& x, int64_t channels, Dtype dtype = Dtype::f32);
  Tensor make(std::shared_ptr<const Sequences> sequences, int64_t channels,
              Dtype dtype = Dtype::f32);
  const kernels::Product& product_of(const Linear& w) const { return kernels_.product(w.dtype); }
  // Some rows of a feature, side by side, of length 1 where so asked.
  std::shared_ptr<float[]> gather(const Tensor& feature, std::span<const int32_t> rows,
                                  bool normalized);
  // Matches some A tokens of an image, from `a_begin` on; what it is given says all but which B
  // tokens they may go to, and how these are compared.
  using DrawMatch =
      std::function<void(kernels::Match& match, int64_t image, int64_t a_begin, float* scratch)>;
  Edges draw_edges(const Tensor& feature, const Partition& partition, bool normalized,
                   const DrawMatch& draw);
  // x, of floats, in another format.
  Tensor convert(const Tensor& x, Dtype dtype, kernels::ConvertRows convert_rows);
  // A tensor of x's tokens for the output of `w`: in the format of its input where it can.
  Tensor output(const Tensor& x, const Linear& w, Precision precision);
  // Packs rows of `in` floats; null: zeros.
  Linear pack(std::span<const float* const> rows, int64_t in, std::vector<float> bias, Dtype dtype);
  Linear pack(const Array& weight, const Array& bias, Dtype dtype);
  // Norms `count` rows.
  void norm_rows(const Norm& norm, const float* x, int64_t stride, int64_t count, int64_t width,
                 float* out, int64_t out_stride) const;
  // Softmax of what each image's first token asks of its tokens in one head: [rows].
  std::vector<float> class_rows(const Projection& branch, int head, int heads,
                                const TokenState& state, const Sight& sight) const;
  std::array<Linear, 3> mean_weights(const Array& joint, int heads);
  // LayerNorm, or x itself, in the format of the inputs of such weights; `rest` is given what
  // rounding takes.
  Tensor norm_for(const Tensor& x, const std::optional<Norm>& norm, Dtype dtype,
                  std::optional<Tensor>* rest = nullptr);
  void add_rests(std::span<const Projection> qkv, QkvPart part, const Tensor& mean);
  void multiply(const Tensor& x, const Linear& w, kernels::Epilogue epilogue, Activation activation,
                const Vector& scale, const Tensor& out);
  // The same, of an input in the format that `w` takes, neither timed nor counted.
  void run_product(const Tensor& x, const Linear& w, const float* bias, kernels::Epilogue epilogue,
                   Activation activation, const Vector& scale, const Tensor& out);
  // The same of floats where `w` takes another format.
  void run_in_two(const Tensor& x, const Linear& w, kernels::Epilogue epilogue,
                  Activation activation, const Vector& scale, const Tensor& out);
  // Floats that a product with `w` needs for each worker.
  int64_t scratch_of(const Linear& w) const;
  // A product of a few rows in single precision, by the calling thread alone; `spare` holds as many
  // rows in the format that `w` takes where that is another, else what its product needs
  // (scratch_of).
  void multiply_tile(const float* rows, int64_t count, const Linear& w, Activation activation,
                     float* spare, float* out, int64_t out_stride) const;
  // Calls work(begin, end) for pieces of [0, count), in parallel.
  void for_ranges(int64_t count, int64_t least, const std::function<void(int64_t, int64_t)>& work);

  kernels::Table kernels_;
  Dtype dtype_;
  std::shared_ptr<Threads> threads_;
  Arena arena_;
  Profile* profile_ = nullptr;
};

}  // namespace fovea
