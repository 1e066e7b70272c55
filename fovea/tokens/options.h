// What a user can choose about merging, and the schedule that says how many tokens merge in each
// layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fovea/api.h"
#include "fovea/backend/kinds.h"
#include "fovea/tokens/amount.h"

namespace fovea {

enum class Metric { k, q, v, x, k_concat, k_rotated };

// How bipartite matching splits tokens in A, which draw edges, and B, which receive them.
enum class Partitioning { alternate, sequential, random };

// Who merges with whom, or is dropped (the paper's appendix; docs/merging.md).
enum class Matching {
  bipartite,
  greedy,
  kmeans,
  random_prune,
  attention_prune,
  kth,
  random_bipartite
};

// What ranks the edges of bipartite matching: likeness alone, or also what would be lost
// (salience.h).
enum class Scoring { similarity, salience };

// Whose merging: the paper's, or foveal merging, which compares tokens by what reads them next and
// spares what the class token looks at (docs/merging.md).
enum class Method { tome, foveal };

// Whom a token may go to in foveal merging: any that matters more, or of a half the other half.
enum class Pairing { all, alternate };

// The parts of foveal merging. The defaults are the best of those tried (docs/merging.md).
struct FovealOptions {
  int channels = 64;  // by which tokens are compared
  int rounds = 2;     // in which a layer merges its tokens
  Pairing pairing = Pairing::all;
  double attention = 0.4;  // exponent of what the class token pays to the token that goes
  double size = 0.4;       // exponent of the sizes of both, in parallel
  double weight = 0.6;     // exponent of attention in what merged tokens are made of
};

// Where in a block tokens merge: between attention and MLP, or before or after both.
enum class Placement { between, before_attention, after_mlp };

inline constexpr int kNoLimit = 1'000'000;  // the largest r

// How many tokens merge in each layer (the paper's section 3, "token merging schedule").
struct Schedule {
  Amount r = 0;  // in the mean over layers; kNoLimit: as many as the matching can
  // In [-1, 1]: -1 decreasing, +1 increasing, around r, which is a number then. Without it r is
  // constant, or, of Method::foveal, spread from 1.52 r in the first layer to 0.48 r in the last.
  std::optional<double> inflect = {};
  // If not empty: r of each layer, padded with zeros; r and inflect are not used.
  std::vector<Amount> per_layer = {};
};

struct MergeOptions {
  Schedule schedule = {};
  Method method = Method::tome;
  FovealOptions foveal = {};  // of Method::foveal, which nothing below but prop_attn concerns
  Metric metric = Metric::k;
  Distance distance = Distance::cosine;
  MergeMode merge = MergeMode::weighted;
  bool prop_attn = true;
  Partitioning partition = Partitioning::alternate;  // of Matching::bipartite
  Matching matching = Matching::bipartite;
  Scoring score = Scoring::similarity;  // of Matching::bipartite
  Placement placement = Placement::between;
  // Merges, in every layer, only what is more alike than this, and so of every image another number
  // of tokens; at most the schedule's r, which kNoLimit opens. Of Matching::bipartite.
  std::optional<float> threshold = {};
  // Every so many layers all positions get tokens of their own again; 0: never. Of encoders whose
  // embedding is dense (Segment Anything).
  int unmerge_every = 0;
  int k = 2;          // of Matching::kth
  uint64_t seed = 0;  // of all that is random; it acts alike on every image of a batch
};

// Throws Error for options that no model can follow, or not one without a class token; of the
// schedule layer_schedule tells.
FOVEA_API void check_merge_options(const MergeOptions& options, bool class_token);

// Whether tokens are un-merged behind layer `layer` (from 0).
inline bool unmerges_behind(const MergeOptions& options, int layer) {
  return options.unmerge_every > 0 && (layer + 1) % options.unmerge_every == 0;
}

// What of a block's attention the choice of tokens goes by.
struct Wanted {
  bool normed = false;   // its normalised input
  bool qkv = false;      // its queries, keys and values
  bool matched = false;  // and their means over heads as exactly as a backend can
};
FOVEA_API Wanted wanted_by(const MergeOptions& options);

// r of every layer of a model of `depth` layers. Throws Error for negative r, a share above 50 %,
// inflect out of [-1, 1] or beside a share, or a list longer than depth.
FOVEA_API std::vector<Amount> layer_schedule(const MergeOptions& options, int depth);

// Parses "13", "8%", "8,0,5%" or "12,0" (a list of one). Throws Error that names the text.
FOVEA_API Schedule parse_schedule(const std::string& text);

// "13", "8%", "13 (inflect -1)", "8,0,5%"
FOVEA_API std::string to_string(const Schedule& schedule);

// Names as on the command line. The parsers throw Error listing what is possible.
FOVEA_API Metric parse_metric(const std::string& name);
FOVEA_API std::string to_string(Metric metric);
FOVEA_API Distance parse_distance(const std::string& name);
FOVEA_API MergeMode parse_merge_mode(const std::string& name);
FOVEA_API Partitioning parse_partitioning(const std::string& name);
FOVEA_API Matching parse_matching(const std::string& name);
FOVEA_API Scoring parse_score(const std::string& name);
FOVEA_API Placement parse_placement(const std::string& name);
FOVEA_API Method parse_method(const std::string& name);
FOVEA_API std::string to_string(Method method);
FOVEA_API Pairing parse_pairing(const std::string& name);

}  // namespace fovea
