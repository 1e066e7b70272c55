// The training backend: the operations of a model on libtorch, all of them differentiable but who
// merges with whom.
#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/backend/input.h"
#include "fovea/backend/kinds.h"
#include "fovea/backend/plan.h"
#include "fovea/backend/positions.h"
#include "fovea/backend/profile.h"
#include "fovea/backend/projection.h"
#include "fovea/backend/token_state.h"
#include "fovea/backend/torch/batch_norm.h"
#include "fovea/backend/torch/tensor.h"
#include "fovea/backend/weight.h"

namespace fovea {

class Padding;

// Operations mean what those of Cpu (backend/cpu/cpu.h) mean. Every weight that it makes is a
// parameter under its canonical name, for an optimiser and to be saved. For one thread at a time.
class Torch {
 public:
  using Tensor = TorchTensor;
  using Linear = TorchLinear;
  using Norm = TorchNorm;
  using Qkv = TorchLinear;
  using Projection = TorchProjection;
  using Vector = torch::Tensor;  // [channels]; undefined: 1 everywhere
  using Rows = torch::Tensor;    // [1, rows, channels]; undefined: none
  using Positions = TorchPositions;
  using Relative = TorchRelative;
  using Decomposed = TorchDecomposed;
  using Sight = fovea::Sight<Relative, Rows, Decomposed, Qkv>;
  static constexpr bool kTrains = true;
  static constexpr bool kComputes = true;

  // dtype: of weights and activations, kFloat or (to check gradients) kDouble.
  explicit Torch(torch::Device device = torch::kCPU, torch::ScalarType dtype = torch::kFloat);

  torch::Device device() const { return device_; }
  // While training, batch norms go by the batch that they see, and remember its statistics, where
  // they are trained; and drop_path counts.
  void set_training(bool is_training) { is_training_ = is_training; }
  // The batch that they see is then that of all processes, of which this backend has a part.
  void set_reducer(Reducer reduce) { reduce_ = std::move(reduce); }
  // All weights in the order in which they were made.
  const std::vector<TorchParameter>& parameters() const { return parameters_; }
  std::vector<Weight> weights() const { return host_copies(parameters_); }
  // Nothing is timed here.
  static Timed time(Work work) { return {nullptr, work}; }

  Linear make_linear(const Weight& weight, const Weight& bias);
  Linear make_exact_linear(const Weight& weight, const Weight& bias) {
    return make_linear(weight, bias);
  }
  Linear make_gated_linear(const Weight& weight, const Weight& bias);
  // Not parameters: made of others.
  Linear make_fixed_linear(const Array& weight) const;
  Norm make_fixed_norm(int64_t channels, double eps) const;
  Linear make_convolution(const Weight& weight, const Weight& bias,
                          const std::optional<BatchNorm>& norm, RowOrder order);
  Linear make_unfolding(const Weight& weight, const Weight& bias);
  Qkv make_qkv(const Weight& weight, const Weight& bias, int heads);
  Norm make_norm(const Weight& gamma, const Weight& beta, double eps);
  Norm make_rms_norm(const Weight& gamma, double eps);
  Relative make_relative(const Weight& weight, const Grid& grid);
  Decomposed make_decomposed(const Weight& rows, const Weight& columns);
  Vector make_vector(const Weight& values);
  Rows make_rows(const Weight& rows);
  // Saved with the parameters, but not trained.
  void make_fixed(const Weight& weight);
  // Of all layers; that of one name is one parameter, however often it is asked for.
  Rows make_frequencies(const Weight& weight);

  // Pixels of the host; they are copied.
  Tensor patches(const Input& input, const Grid& patch, const Grid& step,
                 std::span<const int> splits);
  Tensor fold(const Tensor& x, int count);
  Tensor unfold(const Tensor& x, int count);
  static Rows cross(const Rows& leading, const Rows& outer, const Rows& inner);
  Positions positions(std::span<const Rows> prefix, const Rows& table, const PositionMap& map);
  Tensor embed(const Tensor& patches, const Positions& positions);

  Tensor convolve(const Tensor& x, const Linear& w, const Grid& grid, int stride,
                  Activation activation = Activation::none);

  // Automatic casting, not the precision asked for, says in what format results are.
  Tensor linear(const Tensor& x, const Linear& w, Activation activation = Activation::none,
                Precision precision = Precision::single);
  Tensor add_linear(const Tensor& x, const Tensor& h, const Linear& w, const Vector& scale);
  Tensor add_normed_linear(const Tensor& x, const Tensor& h, const Linear& w, const Norm& norm);
  Tensor layer_norm(const Tensor& x, const Norm& norm, Precision precision = Precision::single);
  Tensor head_norm(const Tensor& x, const Norm& norm, int heads);
  Tensor norm_activation(const Tensor& x, const Norm& norm, Activation activation,
                         Precision precision = Precision::single);
  Tensor add(const Tensor& x, const Tensor& y, Precision precision = Precision::single);
  Tensor product(const Tensor& x, const Tensor& w);
  Tensor norm_linear(const Tensor& x, const std::optional<Norm>& norm, const Linear& w,
                     Activation activation = Activation::none,
                     Precision precision = Precision::product);
  Projection project(const Tensor& x, const std::optional<Norm>& norm, const Qkv& w, bool matched);
  Projection project(const Tensor& asking, const Tensor& x, const std::optional<Norm>& norm,
                     const Qkv& w, bool matched);
  Tensor columns(const Tensor& x, int64_t begin, int64_t count);
  Tensor repeat(const Rows& rows, int64_t batch);
  Tensor join(std::span<const Rows> tables);
  Tensor attention(const Projection& qkv, int heads, const TokenState& state,
                   const Sight& sight = {});
  Tensor rotate(const Tensor& x, int heads, const Turns& turns);

  Tensor head_mean(std::span<const Projection> qkv, QkvPart part, int heads);
  Tensor head_concat(std::span<const Projection> qkv, QkvPart part);
  Tensor mean(std::span<const Tensor> x);

  Edges match(const Tensor& feature, const Partition& partition, Distance distance);
  Edges match_ranked(const Tensor& feature, const Ranking& ranking, std::span<const float> sizes,
                     double exponent);
  std::vector<float> class_attention(std::span<const Projection> qkv, int heads,
                                     const TokenState& state, const Sight& sight = {});
  Array class_attention_by_head(std::span<const Projection> qkv, int heads, const TokenState& state,
                                const Sight& sight = {});
  // Differentiable in x; sizes are plain numbers.
  Tensor merge(const Tensor& x, std::span<const float> sizes, const Plan& plan, MergeMode mode);

  // Who is selected has no gradient; the scores have.
  Tensor keep_scores(const Tensor& x, const Linear& w, int protected_tokens);
  Tensor gather(const Tensor& x, const Route& route);
  static Tensor regroup(const Tensor& x, Sequences first) {
    return {x.rows, std::make_shared<const Sequences>(std::move(first))};
  }
  Tensor add_gated(const Tensor& x, const Tensor& update, const Tensor& scores,
                   const Vector& alpha);
  Tensor put(const Tensor& x, const Tensor& rows, const Route& route);
  Tensor add_change(const Tensor& x, const Tensor& before, const Tensor& after, const Route& route,
                    const Vector& gamma);

  Tensor token(const Tensor& x, int index);
  Tensor average(const Tensor& x, std::span<const float> sizes, int prefix);
  Tensor concat_channels(const Tensor& a, const Tensor& b);

  const Sequences& sequences(const Tensor& x) const { return *x.first; }
  // The same tensor, with its gradient.
  static Tensor keep(const Tensor& x) { return x; }
  Tensor write(const Array& rows) const;
  Array read(const Tensor& x) const;
  // As make_rows or make_frequencies were given them, or training has left them.
  Array read_rows(const Rows& rows) const;

 private:
  torch::Tensor parameter(const Weight& weight, bool is_trained = true);
  torch::Tensor on_device(std::span<const float> values) const;
  // What is added to the scores of each key, [B, 1, 1, T]; undefined where that is nothing.
  torch::Tensor attention_bias(const Padding& padding, std::span<const float> log_sizes) const;
  // The same of each pair by their places, [B, heads, K, T].
  torch::Tensor relative_bias(const Relative& relative, const TokenState& state,
                              const Padding& asking, std::span<const int32_t> rows,
                              const Padding& keys) const;
  // What queries [B, heads, K, d] add by rows and by columns, [B, heads, K, T], and for what pads
  // their windows, [B, heads, K, 1], where that is wanted.
  struct Added {
    torch::Tensor keys, padding;
  };
  Added decomposed_bias(const torch::Tensor& queries, const Decomposed& tables,
                        const TokenState& state, const Padding& asking,
                        std::span<const int32_t> rows, const Padding& keys, bool pads) const;
  // Cosines and sines of all rows, [rows, heads or 1, pairs].
  struct Angles {
    torch::Tensor cos, sin;
    bool in_halves;
  };
  Angles angles_of(const Turns& turns) const;
  Angles angles_of(const Sight& sight, const TokenState& state,
                   std::span<const int32_t> first) const;
  // Rows [rows, heads, d] turned by the angles of some rows; empty: of all.
  torch::Tensor turn(const torch::Tensor& x, const Angles& angles,
                     std::span<const int32_t> rows = {}) const;
  // The parameter of that name, if there is one; else as `parameter`.
  torch::Tensor shared_parameter(const Weight& weight);
  // Softmax of what each image's first token asks of its tokens: [B, heads, 1, T].
  torch::Tensor class_rows(const Padding& padding, const Projection& branch, int heads,
                           const TokenState& state, const Sight& sight);
  torch::Tensor apply(const torch::Tensor& rows, const Linear& w) const;
  // x with `update` added, which stochastic depth may drop behind such a layer.
  Tensor add(const Tensor& x, torch::Tensor update, const Linear& w) const;
  // Stochastic depth (Huang and others, 2016): what is added to each image's rows, or nothing.
  static torch::Tensor drop_path(const torch::Tensor& update, const Sequences& first, double rate);
  // Scales and shifts axis 1.
  torch::Tensor normalise(const torch::Tensor& x, const TorchBatchNorm& norm) const;

  torch::Device device_;
  torch::ScalarType dtype_;
  bool is_training_ = false;
  Reducer reduce_;
  std::vector<TorchParameter> parameters_;
};

}  // namespace fovea
