// The door for programs that embed Fovea: load a model, preprocess pictures, run, read the result.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fovea/api.h"
#include "fovea/backend/kinds.h"
#include "fovea/backend/profile.h"
#include "fovea/data/image.h"
#include "fovea/engine/engine.h"
#include "fovea/io/array.h"
#include "fovea/io/error.h"
#include "fovea/model/architecture.h"
#include "fovea/model/config.h"
#include "fovea/model/speedup.h"
#include "fovea/tokens/options.h"

namespace fovea {

struct LoadOptions {
  int threads = 0;  // 0: as many as the process may use
  // Starts that many even where fewer can run at once, which is slow; the answers are the same.
  bool oversubscribe = false;
  // bf16 keeps weights in half the memory, and multiplies in it where the processor can; sums,
  // norms, softmax, residuals and matching stay in single precision.
  Dtype dtype = Dtype::f32;
  // Attention heads of a model of which neither config.json nor its name or width tells; 0: they
  // do. Throws Error where config.json says otherwise.
  int heads = 0;
  // Runs the model, and others that are given the same; threads, oversubscribe and dtype are then
  // its own. Null: the model gets one of these.
  std::shared_ptr<const Engine> engine = nullptr;
  // The nested dict of a .pth file that holds the model: "model", "a.b"; empty: the usual ones.
  std::string key = {};
};

// What was kept of one layer; images with fewer tokens than others are padded as in Result.
struct LayerResult {
  Array tokens;     // [B, T, C]: what leaves the layer, before any norm
  Array sizes;      // [B, T]
  IntArray source;  // [B, N]
  // [B, heads, T']: softmax of the class token's queries over the T' tokens that the layer's
  // attention saw, sizes counted as it counts them; the heads of parallel branches one after the
  // other. Empty where it was not wanted.
  Array attention;
};

// What a run gives; the names are those of `fovea forward`'s output. With a threshold images keep
// different numbers of tokens: T is the largest, and the others end in padding, all zeros, of size
// 0.
struct Result {
  Array logits;    // [B, classes]; equal to features where the model has no head
  Array features;  // [B, C]: what the head sees
  Array tokens;    // [B, T, C]: after the final norm, where there is one
  // [B, C, h, w]: of Segment Anything's encoder, for patches of every row and column; features are
  // its mean. Else empty.
  Array embedding;
  Array sizes;  // [B, T]: how many input tokens each token stands for
  // [B, N]: the token that each position of the input sequence ended in; -1 where it was pruned
  IntArray source;
  IntArray layer_tokens;  // [B, depth]: tokens that leave each layer
  IntArray trace;         // [B, depth, N]: like source, after each layer
  // Of a big.LITTLE ViT, by the layers, counted from 1, after which it was predicted: the positions
  // that took the big path from there on, ascending, prefix tokens among them: [B, K]. They are
  // positions in the sequence that left that layer, which where tokens merge is shorter than the
  // input; the trace says which of the input each stands for. Where windows of several pictures
  // lost different numbers of tokens, -1 stands behind fewer.
  std::map<int, IntArray> routes;
  std::map<int, LayerResult> layers;  // RunOptions::layers, counted from 1
  Array attention;                    // [B, heads, T]: LayerResult::attention of the last layer
};

// One feature for every patch of an image of a result, merged or not: [P, C], the patches in rows
// from the top; zeros where a patch was dropped. `prefix`: Architecture::prefix(). Throws Error
// where the run was told not to keep tokens, or has no such image.
FOVEA_API Array dense_features(const Result& result, int64_t image, int prefix);
FOVEA_API Array dense_features(const LayerResult& layer, int64_t image, int prefix);

// What a caller wants of a run; tokens, sizes, source and trace cost copies of their
// size, and where the model pools by class token the greater part of the last layer.
struct RunOptions {
  MergeOptions merge = {};
  bool want_tokens = true;
  bool want_trace = false;
  // Layers, counted from 1, whose tokens are wanted as they leave them (timm's
  // forward_intermediates).
  std::vector<int> layers = {};
  bool want_attention = false;            // the class token's, of the last layer and of `layers`
  std::optional<double> keep_ratio = {};  // of a big.LITTLE ViT, instead of its own: above 0, to 1
  Profile* profile = nullptr;             // where the run's time is added, by kind of work
};

// A model ready to run. Copies share the weights. Safe to call from several threads at once.
class FOVEA_API Model {
 public:
  // `path`: a folder with weights (safetensors, shards, .pth) and config.json, or a file of
  // weights, or ORG/NAME in the Hugging Face cache. Throws Error naming the file and what is wrong
  // with it.
  static Model load(const std::filesystem::path& path, const LoadOptions& options = {});

  // A named architecture (vit_small_patch16_224, deit_tiny_patch16_224, ...) with random weights.
  static Model random(const std::string& name, uint64_t seed, const LoadOptions& options = {});

  const Architecture& architecture() const;
  const Config& config() const;
  // What runs it, which other models may be loaded on.
  std::shared_ptr<const Engine> engine() const;
  // How many threads a run may use.
  int threads() const;
  // The instruction set that runs it: "avx2" and the like, as FOVEA_SIMD names them.
  std::string simd() const;
  // One line each: what the file held that was not used.
  const std::vector<std::string>& notes() const;

  // Lets go of the memory that runs keep for the next one, as much as the largest of them took for
  // each thread; the next run takes it anew. That of all models on its engine.
  void trim() const;

  // Decodes and preprocesses a picture to [1, 3, height, width]; for a model of videos the middle
  // clip of a file, or the pictures of a folder, to [1, 3, frames, height, width]; for one of sound
  // the beginning of a file to [1, frames, mel bins]. Throws Error naming the file.
  Array preprocess(const std::filesystem::path& file, const ReadOptions& options = {}) const;

  // What the logits of one picture say of each class: softmax, or sigmoids where config.json's
  // problem_type is multi_label_classification. Throws Error where it is regression.
  std::vector<double> probabilities(std::span<const float> logits) const;

  // images: [B, 3, H, W], or of a model of videos [B, 3, T, H, W], or of sound [B, frames, mel
  // bins]; normalised. Extents may differ from those that the model was trained with; they must be
  // multiples of the patch, and where positions of videos or sound are stored as many. The same
  // image gives the same bits whatever batch it comes in and however many threads work.
  Result run(const Array& images, const RunOptions& options = {}) const;

 private:
  struct State;
  explicit Model(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

}  // namespace fovea
