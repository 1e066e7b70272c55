#include "fovea/cli/layer_drawings.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "fovea/cli/console.h"
#include "fovea/cli/options.h"
#include "fovea/cli/speedup.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

std::vector<int> usual_layers(const Architecture& a, bool want_all) {
  if (want_all) {
    std::vector<int> all(a.depth - (a.routing ? a.plain_layers() : 0));
    std::iota(all.begin(), all.end(), a.depth - static_cast<int>(all.size()) + 1);
    return all;
  }
  if (!a.routing) return {a.depth};
  std::vector<int> first;
  for (const int layer : a.routing->predict_after) first.push_back(layer + 1);
  return first;
}

nlohmann::ordered_json as_json(const Drawn& drawn) {
  nlohmann::ordered_json line = {{"file", drawn.picture.string()},
                                 {"output", drawn.file.string()},
                                 {"patches", drawn.patches},
                                 {"layers", drawn.layers},
                                 {"groups", drawn.groups}};
  if (!drawn.on_route.empty()) line["big"] = drawn.on_route;
  if (drawn.seconds) line["seconds"] = std::round(*drawn.seconds * 1000) / 1000;
  return line;
}

std::string as_text(const Drawn& drawn) {
  const std::string time = drawn.seconds ? fmt::format(" in {:.2f} s", *drawn.seconds) : "";
  const bool is_routed = !drawn.on_route.empty();
  return fmt::format("{}: {} patches{}, {} {} layer {}: {}\n", drawn.picture.string(),
                     drawn.patches, time, fmt::join(is_routed ? drawn.on_route : drawn.groups, " "),
                     is_routed ? "on the big path in" : "groups after",
                     fmt::join(drawn.layers, " "), drawn.file.string());
}

}  // namespace

std::vector<int> layers_to_draw(const std::string& text, const Architecture& architecture,
                                bool want_all) {
  if (text.empty()) return usual_layers(architecture, want_all);
  std::vector<int> layers;
  for (const std::string& part : split(text)) {
    layers.push_back(parse_whole("--layers", part, 1, architecture.depth));
    if (layers.size() > 1 && layers.back() <= layers[layers.size() - 2]) {
      fail("--layers {}: expected ascending layers", printable(text));
    }
  }
  return layers;
}

void choose_r(const MergeFlags& flags, const std::string& model, const Architecture& architecture,
              const Grid& size, RunOptions& options) {
  if (!flags.speedup.empty()) return resolve_speedup(flags, model, architecture, size, options);
  if (architecture.routing) return;
  const MergeTexts texts = layered(flags);
  const auto matching = texts.find("matching");
  const bool by_k = matching != texts.end() && matching->second == "kth";
  if (by_k || texts.contains("r") || texts.contains("threshold")) return;
  // Of a model with windows r is that of a full one.
  const int window = architecture.window;
  const int64_t patches =
      window > 0 ? int64_t{window} * window : architecture.patches_of(size).size();
  const int r = std::max(1, static_cast<int>(patches * 3 / 4 / architecture.depth));
  options.merge.schedule.r = r;
  note(fmt::format("--r {}, as none is given: about a quarter of the patches is left", r));
}

std::vector<int32_t> tokens_after(int layer, const IntArray& trace, int64_t image, int prefix) {
  const int64_t positions = trace.shape[2];
  const auto first = trace.data.begin() + (image * trace.shape[1] + layer - 1) * positions;
  return {first + prefix, first + positions};
}

void print_drawn(const Drawn& drawn, bool json) {
  if (json) return print_json_line(as_json(drawn));
  print(as_text(drawn));
}

void note_unmerged(const std::vector<Drawn>& all) {
  const auto is_unmerged = [](const Drawn& drawn) {
    return drawn.on_route.empty() && drawn.groups.back() == drawn.patches;
  };
  if (!all.empty() && std::all_of(all.begin(), all.end(), is_unmerged)) {
    note("nothing merged; --r N merges N tokens in each layer");
  }
}

}  // namespace fovea::cli
