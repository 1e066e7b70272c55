#include "fovea/tokens/options_text.h"

#include <cmath>
#include <limits>

#include "fovea/io/fail.h"
#include "fovea/io/number_text.h"

namespace fovea {
namespace {

bool parse_switch(const std::string& option, const std::string& text) {
  if (text != "on" && text != "off") fail("{} {}: expected on or off", option, printable(text));
  return text == "on";
}

constexpr MergeOption kTable[] = {
    {"r", "N",
     "Tokens to merge away in each layer: 13; a share of those that\n"
     "come into it, up to 50%: 8%; or a list with one of these for\n"
     "every layer: 8,0,5 (default 0: none)",
     [](const std::string& text, MergeOptions& options) {
       const std::optional<double> inflect = options.schedule.inflect;
       options.schedule = parse_schedule(text);
       options.schedule.inflect = inflect;
     }},
    {"inflect", "X",
     "Merge more in early (-1) or in late (1) layers, r on average;\n"
     "from -1 to 1 (default 0: the same in all)",
     [](const std::string& text, MergeOptions& options) {
       options.schedule.inflect = parse_number("--inflect", text, -1, 1);
     }},
    {"method", "NAME",
     "Whose merging: tome, the paper's, or foveal, which loses about\n"
     "half as much; of the options below it goes with --prop-attn\n"
     "alone (default tome)",
     [](const std::string& text, MergeOptions& options) { options.method = parse_method(text); }},
    {"prop-attn", "on|off",
     "Proportional attention: a token weighs as much as the tokens\n"
     "that it stands for (default on)",
     [](const std::string& text, MergeOptions& options) {
       options.prop_attn = parse_switch("--prop-attn", text);
     }},
    {"metric", "NAME",
     "What of two tokens is compared: k keys, q queries, v values,\n"
     "x inputs, k_concat keys head beside head, k_rotated keys as rotary\n"
     "position embeddings turn them (default k)",
     [](const std::string& text, MergeOptions& options) { options.metric = parse_metric(text); }},
    {"distance", "NAME",
     "How it is compared: cosine, dot, euclidean, softmax\n"
     "(default cosine)",
     [](const std::string& text, MergeOptions& options) {
       options.distance = parse_distance(text);
     }},
    {"merge", "NAME",
     "What becomes of merged tokens: weighted (mean by size), mean,\n"
     "amax, keep (default weighted)",
     [](const std::string& text, MergeOptions& options) {
       options.merge = parse_merge_mode(text);
     }},
    {"matching", "NAME",
     "Who merges: bipartite, greedy (any two tokens), kmeans, kth\n"
     "(every k-th stays; no r), random-bipartite; or is dropped:\n"
     "random-prune, attention-prune (default bipartite)",
     [](const std::string& text, MergeOptions& options) {
       options.matching = parse_matching(text);
     }},
    {"partition", "NAME",
     "How bipartite matching splits tokens in those that merge and\n"
     "those they merge into: alternate, sequential, random (default\n"
     "alternate)",
     [](const std::string& text, MergeOptions& options) {
       options.partition = parse_partitioning(text);
     }},
    {"score", "NAME",
     "What ranks pairs: similarity, or salience, which spares what the\n"
     "class token attends to (default similarity)",
     [](const std::string& text, MergeOptions& options) { options.score = parse_score(text); }},
    {"placement", "NAME",
     "Where in a layer tokens merge: between attention and MLP,\n"
     "before-attention, after-mlp (default between)",
     [](const std::string& text, MergeOptions& options) {
       options.placement = parse_placement(text);
     }},
    {"threshold", "X",
     "Merge only what is more alike than this, of every picture as much\n"
     "as there is, up to half in each layer or --r; from -1 to 1 where\n"
     "the distance is cosine (default: --r alone decides)",
     [](const std::string& text, MergeOptions& options) {
       options.threshold = static_cast<float>(parse_number("--threshold", text, -1e30, 1e30));
     }},
    {"unmerge-every", "K",
     "Of Segment Anything's encoder: un-merge tokens behind every K\n"
     "layers, not at the end alone",
     [](const std::string& text, MergeOptions& options) {
       options.unmerge_every = parse_whole("--unmerge-every", text, 1, 10'000);
     }},
    {"k", "N", "With --matching kth one token of every N stays (default 2)",
     [](const std::string& text, MergeOptions& options) {
       options.k = parse_whole("--k", text, 1, 1'000'000);
     }},
    {"seed", "N", "Other random choices, where there are any (default 0)",
     [](const std::string& text, MergeOptions& options) {
       options.seed =
           static_cast<uint64_t>(parse_whole("--seed", text, 0, std::numeric_limits<int>::max()));
     }},
    {"foveal-channels", "N", nullptr,
     [](const std::string& text, MergeOptions& options) {
       options.foveal.channels = parse_whole("--foveal-channels", text, 1, 1024);
     }},
    {"foveal-rounds", "N", nullptr,
     [](const std::string& text, MergeOptions& options) {
       options.foveal.rounds = parse_whole("--foveal-rounds", text, 1, 8);
     }},
    {"foveal-pairing", "NAME", nullptr,
     [](const std::string& text, MergeOptions& options) {
       options.foveal.pairing = parse_pairing(text);
     }},
    {"foveal-attention", "X", nullptr,
     [](const std::string& text, MergeOptions& options) {
       options.foveal.attention = parse_number("--foveal-attention", text, 0, 4);
     }},
    {"foveal-size", "X", nullptr,
     [](const std::string& text, MergeOptions& options) {
       options.foveal.size = parse_number("--foveal-size", text, 0, 4);
     }},
    {"foveal-weight", "X", nullptr,
     [](const std::string& text, MergeOptions& options) {
       options.foveal.weight = parse_number("--foveal-weight", text, 0, 4);
     }},
};

// What a threshold says in the company of other options.
void finish_threshold(const MergeTexts& texts, MergeOptions& options) {
  const std::string& text = texts.at("threshold");
  if (options.distance == Distance::cosine && std::abs(*options.threshold) > 1) {
    fail("--threshold {}: expected a number from -1 to 1, as cosines are", text);
  }
  if (texts.contains("r")) return;
  if (texts.contains("inflect")) {
    fail("--inflect {}: goes with --r, which says around how many; expected both or neither",
         texts.at("inflect"));
  }
  options.schedule.r = kNoLimit;
}

}  // namespace

std::span<const MergeOption> merge_option_table() { return kTable; }

MergeOptions merge_options(const MergeTexts& texts) {
  MergeOptions options;
  for (const MergeOption& option : kTable) {
    const auto text = texts.find(option.name);
    if (text != texts.end()) option.read(text->second, options);
  }
  const Schedule& schedule = options.schedule;
  if (texts.contains("inflect") && (!schedule.per_layer.empty() || schedule.r.is_share())) {
    fail("--inflect {}: does not go with a {}, --r {}; expected one number of tokens",
         texts.at("inflect"), schedule.r.is_share() ? "share" : "number for every layer",
         printable(texts.at("r")));
  }
  if (options.threshold) finish_threshold(texts, options);
  return options;
}

}  // namespace fovea
