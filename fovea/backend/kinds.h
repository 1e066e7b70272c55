// The kinds of things that operations of all backends can be asked for.
#pragma once

namespace fovea {

// What similarity between two features is (the paper's appendix B).
enum class Distance { cosine, dot, euclidean, softmax };

// What a merged token is made of.
enum class MergeMode {
  weighted,
  mean,
  amax,
  keep,
  rescaled  // the weighted mean, of the weighted mean of its members' lengths (foveal merging)
};

// Whether members weigh what they are said to, not all alike.
constexpr bool is_weighted(MergeMode mode) {
  return mode == MergeMode::weighted || mode == MergeMode::rescaled;
}

// A number format. A model's is that of its weights and, where the processor multiplies in it, of
// the inputs of products; sums, norms, softmax, the residual stream and matching are always in
// single precision.
enum class Dtype { f32, bf16 };
inline constexpr int kDtypes = 2;

// What a linear layer's outputs go through: x Phi(x); 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715
// x^3))); x sigmoid(1.702 x); x sigmoid(x); max(x, 0).
enum class Activation { none, gelu, gelu_tanh, quick_gelu, silu, relu };

// The number format of a result: single precision, or that of the next product's inputs, which is
// then all that reads it.
enum class Precision { single, product };

// A third of the joint queries, keys and values.
enum class QkvPart { q, k, v };

}  // namespace fovea
