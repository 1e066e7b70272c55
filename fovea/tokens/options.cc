#include "fovea/tokens/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

template <class Value, size_t kCount>
using Names = std::array<std::pair<std::string_view, Value>, kCount>;

constexpr Names<Metric, 6> kMetrics = {{{"k", Metric::k},
                                        {"q", Metric::q},
                                        {"v", Metric::v},
                                        {"x", Metric::x},
                                        {"k_concat", Metric::k_concat},
                                        {"k_rotated", Metric::k_rotated}}};
constexpr Names<Distance, 4> kDistances = {{{"cosine", Distance::cosine},
                                            {"dot", Distance::dot},
                                            {"euclidean", Distance::euclidean},
                                            {"softmax", Distance::softmax}}};
constexpr Names<MergeMode, 4> kMergeModes = {{{"weighted", MergeMode::weighted},
                                              {"mean", MergeMode::mean},
                                              {"amax", MergeMode::amax},
                                              {"keep", MergeMode::keep}}};
constexpr Names<Partitioning, 3> kPartitionings = {{{"alternate", Partitioning::alternate},
                                                    {"sequential", Partitioning::sequential},
                                                    {"random", Partitioning::random}}};
constexpr Names<Matching, 7> kMatchings = {{{"bipartite", Matching::bipartite},
                                            {"greedy", Matching::greedy},
                                            {"kmeans", Matching::kmeans},
                                            {"random-prune", Matching::random_prune},
                                            {"attention-prune", Matching::attention_prune},
                                            {"kth", Matching::kth},
                                            {"random-bipartite", Matching::random_bipartite}}};
constexpr Names<Scoring, 2> kScores = {
    {{"similarity", Scoring::similarity}, {"salience", Scoring::salience}}};
constexpr Names<Placement, 3> kPlacements = {{{"between", Placement::between},
                                              {"before-attention", Placement::before_attention},
                                              {"after-mlp", Placement::after_mlp}}};
constexpr Names<Method, 2> kMethods = {{{"tome", Method::tome}, {"foveal", Method::foveal}}};
constexpr Names<Pairing, 2> kPairings = {
    {{"all", Pairing::all}, {"alternate", Pairing::alternate}}};

template <class Value, size_t kCount>
Value find(const Names<Value, kCount>& names, std::string_view option, const std::string& name) {
  std::string known;
  for (const auto& [known_name, value] : names) {
    if (known_name == name) return value;
    known += (known.empty() ? "" : ", ") + std::string(known_name);
  }
  fail("--{} {}: expected one of {}", option, printable(name), known);
}

// What a program gives: numbers of tokens small enough for the arithmetic of schedules, shares that
// some matching can take away.
void check_amount(const Amount& r, std::string_view where) {
  if (r.count() < 0) fail("r is {}{}; expected 0 or more", r.count(), where);
  if (r.count() > kNoLimit) fail("r is {}{}; expected at most {}", r.count(), where, kNoLimit);
  // Written so that NaN fails too.
  if (!(r.percent() >= 0 && r.percent() <= kMostPercent)) {
    fail("r is {}{}; expected a share from 0% to {}%", to_string(r), where, kMostPercent);
  }
}

// The whole of `item` as a number; false where it is none.
template <class Number>
bool read_number(std::string_view item, Number& value) {
  const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), value);
  return error == std::errc() && end == item.data() + item.size();
}

// A share of the tokens, "8%"; fails with the text of the whole option.
Amount parse_share(std::string_view item, const std::string& text) {
  double percent = -1;
  if (!read_number(item.substr(0, item.size() - 1), percent) || !(percent >= 0) ||
      !(percent <= kMostPercent)) {
    fail("--r {}: expected a share from 0% to {}% of the tokens", printable(text), kMostPercent);
  }
  return Amount::percent(percent);
}

Amount parse_amount(std::string_view item, const std::string& text) {
  if (item.ends_with('%')) return parse_share(item, text);
  int count = -1;
  if (!read_number(item, count) || count < 0 || count > kNoLimit) {
    fail(
        "--r {}: expected a whole number of tokens from 0 to {} (13), a list with one for each "
        "layer (8,0,5), or a share such as 8%",
        printable(text), kNoLimit);
  }
  return count;
}

// r of each layer of foveal merging, 1.6 to 0.5 of it over their mean: early layers have the most
// alike, and gain the most. Numbers are rounded such that their sum is that of r.
std::vector<Amount> foveal_schedule(const Amount& r, int depth) {
  std::vector<Amount> layers;
  double sum = 0;
  for (int layer = 0; layer < depth; ++layer) {
    const double place = depth == 1 ? 0.5 : static_cast<double>(layer) / (depth - 1);
    const double part = (1.6 - 1.1 * place) / 1.05;
    if (r.is_share()) {
      layers.push_back(Amount::percent(std::min(part * r.percent(), kMostPercent)));
      continue;
    }
    const double before = std::round(sum);
    sum += part * r.count();
    layers.emplace_back(static_cast<int>(std::min<double>(std::round(sum) - before, kNoLimit)));
  }
  return layers;
}

void check_foveal(const MergeOptions& options, bool class_token) {
  const MergeOptions usual;
  const char* other = options.metric != usual.metric         ? "metric"
                      : options.distance != usual.distance   ? "distance"
                      : options.merge != usual.merge         ? "merge"
                      : options.partition != usual.partition ? "partition"
                      : options.matching != usual.matching   ? "matching"
                      : options.score != usual.score         ? "score"
                      : options.placement != usual.placement ? "placement"
                      : options.threshold                    ? "threshold"
                                                             : nullptr;
  if (other != nullptr) {
    fail("{} belongs to method tome; expected none beside method foveal, which has its own", other);
  }
  if (!class_token) {
    fail(
        "method foveal goes by the class token's attention, and the model has no class token; "
        "expected method tome");
  }
  const FovealOptions& foveal = options.foveal;
  if (foveal.channels < 1 || foveal.rounds < 1) {
    fail("foveal merging has {} channels and {} rounds; expected 1 of each at least",
         foveal.channels, foveal.rounds);
  }
}

bool compares_pairs(Matching matching) {
  return matching == Matching::greedy || matching == Matching::kmeans;
}

}  // namespace

void check_merge_options(const MergeOptions& options, bool class_token) {
  if (options.method == Method::foveal) return check_foveal(options, class_token);
  if (options.k < 1) fail("k is {}; expected 1 or more", options.k);
  if (compares_pairs(options.matching) && options.distance == Distance::softmax) {
    fail(
        "distance softmax compares a token with all of B, which matching greedy and kmeans don't "
        "have; expected cosine, dot or euclidean");
  }
  if (options.threshold && options.matching != Matching::bipartite) {
    fail("a threshold goes with matching bipartite alone; expected no threshold, or that matching");
  }
  if (options.threshold && std::isnan(*options.threshold)) {
    fail("threshold is not a number; expected one");
  }
  if (options.score == Scoring::salience) {
    if (options.matching != Matching::bipartite || options.distance != Distance::cosine) {
      fail("score salience goes with matching bipartite and distance cosine alone");
    }
    if (!class_token) {
      fail(
          "score salience goes by the class token's attention, and the model has no class token; "
          "expected score similarity");
    }
  }
  if (options.matching == Matching::attention_prune && !class_token) {
    fail(
        "matching attention-prune goes by the class token's attention, and the model has no class "
        "token; expected another matching");
  }
}

Wanted wanted_by(const MergeOptions& options) {
  if (options.method == Method::foveal) return {.qkv = true};
  switch (options.matching) {
    case Matching::random_prune:
      return {};
    case Matching::attention_prune:
      return {.qkv = true};
    case Matching::bipartite:
    case Matching::greedy:
    case Matching::kmeans:
    case Matching::kth:
    case Matching::random_bipartite:
      break;
  }
  const bool by_input = options.metric == Metric::x;
  const bool by_mean =
      !by_input && options.metric != Metric::k_concat && options.metric != Metric::k_rotated;
  return {.normed = by_input,
          .qkv = !by_input || options.score == Scoring::salience,
          .matched = by_mean};
}

std::vector<Amount> layer_schedule(const MergeOptions& options, int depth) {
  const Schedule& schedule = options.schedule;
  if (!schedule.per_layer.empty()) {
    std::vector<Amount> layers = schedule.per_layer;
    if (layers.size() > static_cast<size_t>(depth)) {
      fail("r has {} numbers, one for each layer; the model has {} layers", layers.size(), depth);
    }
    for (const Amount& r : layers) check_amount(r, " in a list for each layer");
    layers.resize(depth, 0);
    return layers;
  }
  check_amount(schedule.r, "");
  const double inflect = schedule.inflect.value_or(0);
  // Written so that NaN fails too.
  if (!(inflect >= -1 && inflect <= 1)) {
    fail("inflect is {}; expected a number from -1 to 1", inflect);
  }
  if (inflect != 0 && schedule.r.is_share()) {
    fail("inflect is {} beside r {}; expected a number of tokens, or no inflect", inflect,
         to_string(schedule.r));
  }
  if (options.method == Method::foveal && !schedule.inflect) {
    return foveal_schedule(schedule.r, depth);
  }
  std::vector<Amount> layers(depth, schedule.r);
  if (inflect == 0 || depth == 1) return layers;
  const int low = static_cast<int>(schedule.r.count() * (1.0 - inflect));
  const int high = 2 * schedule.r.count() - low;
  const double step = static_cast<double>(high - low) / (depth - 1);
  for (int i = 0; i < depth; ++i) layers[i] = static_cast<int>(low + step * i);
  return layers;
}

Schedule parse_schedule(const std::string& text) {
  Schedule schedule;
  if (text.find(',') == std::string::npos) {
    schedule.r = parse_amount(text, text);
    return schedule;
  }
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    schedule.per_layer.push_back(
        parse_amount(std::string_view(text).substr(begin, end - begin), text));
    begin = end + 1;
  }
  return schedule;
}

std::string to_string(const Schedule& schedule) {
  if (schedule.per_layer.empty()) {
    const std::string r = to_string(schedule.r);
    return schedule.inflect ? fmt::format("{} (inflect {})", r, *schedule.inflect) : r;
  }
  std::string text;
  for (const Amount& r : schedule.per_layer) text += (text.empty() ? "" : ",") + to_string(r);
  return text;
}

Metric parse_metric(const std::string& name) { return find(kMetrics, "metric", name); }
std::string to_string(Metric metric) {
  const auto* named = std::find_if(kMetrics.begin(), kMetrics.end(),
                                   [&](const auto& known) { return known.second == metric; });
  return std::string(named->first);
}
Distance parse_distance(const std::string& name) { return find(kDistances, "distance", name); }
MergeMode parse_merge_mode(const std::string& name) { return find(kMergeModes, "merge", name); }
Partitioning parse_partitioning(const std::string& name) {
  return find(kPartitionings, "partition", name);
}
Matching parse_matching(const std::string& name) { return find(kMatchings, "matching", name); }
Scoring parse_score(const std::string& name) { return find(kScores, "score", name); }
Placement parse_placement(const std::string& name) { return find(kPlacements, "placement", name); }
Method parse_method(const std::string& name) { return find(kMethods, "method", name); }
std::string to_string(Method method) { return method == Method::tome ? "tome" : "foveal"; }
Pairing parse_pairing(const std::string& name) { return find(kPairings, "foveal-pairing", name); }

}  // namespace fovea
