#include "fovea/tokens/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "fovea/io/error.h"

namespace fovea {
namespace {

constexpr int kMostTokens = 1'000'000;

template <class Value, size_t kCount>
using Names = std::array<std::pair<std::string_view, Value>, kCount>;

constexpr Names<Metric, 5> kMetrics = {{{"k", Metric::k},
                                        {"q", Metric::q},
                                        {"v", Metric::v},
                                        {"x", Metric::x},
                                        {"k_concat", Metric::k_concat}}};
constexpr Names<Distance, 4> kDistances = {{{"cosine", Distance::cosine},
                                            {"dot", Distance::dot},
                                            {"euclidean", Distance::euclidean},
                                            {"softmax", Distance::softmax}}};
constexpr Names<MergeMode, 4> kMergeModes = {{{"weighted", MergeMode::weighted},
                                              {"mean", MergeMode::mean},
                                              {"amax", MergeMode::amax},
                                              {"keep", MergeMode::keep}}};

template <class Value, size_t kCount>
Value find(const Names<Value, kCount>& names, std::string_view option, const std::string& name) {
  std::string known;
  for (const auto& [known_name, value] : names) {
    if (known_name == name) return value;
    known += (known.empty() ? "" : ", ") + std::string(known_name);
  }
  fail("--{} {}: expected one of {}", option, printable(name), known);
}

// Numbers of tokens that a program gives, kept small enough for the arithmetic of schedules.
void check_count(int r, std::string_view where) {
  if (r < 0) fail("r is {}{}; expected 0 or more", r, where);
  if (r > kMostTokens) fail("r is {}{}; expected at most {}", r, where, kMostTokens);
}

// A whole number of tokens; fails with the text of the whole option.
int parse_count(std::string_view item, const std::string& text) {
  int value = -1;
  const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), value);
  if (error != std::errc() || end != item.data() + item.size() || value < 0 ||
      value > kMostTokens) {
    fail("--r {}: expected a number of tokens from 0 to {} (13) or one for each layer (8,0,5)",
         printable(text), kMostTokens);
  }
  return value;
}

}  // namespace

std::vector<int> layer_schedule(const Schedule& schedule, int depth) {
  if (!schedule.per_layer.empty()) {
    std::vector<int> layers = schedule.per_layer;
    if (layers.size() > static_cast<size_t>(depth)) {
      fail("r has {} numbers, one for each layer; the model has {} layers", layers.size(), depth);
    }
    for (const int r : layers) check_count(r, " in a list for each layer");
    layers.resize(depth, 0);
    return layers;
  }
  check_count(schedule.r, "");
  // Written so that NaN fails too.
  if (!(schedule.inflect >= -1 && schedule.inflect <= 1)) {
    fail("inflect is {}; expected a number from -1 to 1", schedule.inflect);
  }
  std::vector<int> layers(depth, schedule.r);
  if (schedule.inflect == 0 || depth == 1) return layers;
  const int low = static_cast<int>(schedule.r * (1.0 - schedule.inflect));
  const int high = 2 * schedule.r - low;
  const double step = static_cast<double>(high - low) / (depth - 1);
  for (int i = 0; i < depth; ++i) layers[i] = static_cast<int>(low + step * i);
  return layers;
}

Schedule parse_schedule(const std::string& text) {
  Schedule schedule;
  if (text.find(',') == std::string::npos) {
    schedule.r = parse_count(text, text);
    return schedule;
  }
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    schedule.per_layer.push_back(
        parse_count(std::string_view(text).substr(begin, end - begin), text));
    begin = end + 1;
  }
  return schedule;
}

std::string to_string(const Schedule& schedule) {
  if (schedule.per_layer.empty()) {
    return schedule.inflect == 0 ? fmt::format("{}", schedule.r)
                                 : fmt::format("{} (inflect {})", schedule.r, schedule.inflect);
  }
  std::string text;
  for (const int r : schedule.per_layer) text += (text.empty() ? "" : ",") + std::to_string(r);
  return text;
}

Metric parse_metric(const std::string& name) { return find(kMetrics, "metric", name); }
Distance parse_distance(const std::string& name) { return find(kDistances, "distance", name); }
MergeMode parse_merge_mode(const std::string& name) { return find(kMergeModes, "merge", name); }

}  // namespace fovea
