// fovea inspect: what a model is, and what it costs with and without merging.
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "fovea/backend/cpu/instruction_set.h"
#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/options.h"
#include "fovea/cli/speedup.h"
#include "fovea/model/cost.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, size, keep_ratio;
  bool json = false;
  MergeFlags merge;
  RunFlags run;
};

// A file is loaded in full, so that whatever is wrong with it is told.
Architecture look_at(const std::string& model, const LoadOptions& options) {
  if (is_named(model)) return named_model(model, options.heads, options.key);
  const Model loaded = load_model(model, options);
  print_notes(loaded);
  return loaded.architecture();
}

// What says how many tokens merge.
std::string how_many(const MergeOptions& merge) {
  if (merge.matching == Matching::kth) return fmt::format("k = {}", merge.k);
  if (merge.threshold) return fmt::format("threshold {}", *merge.threshold);
  return "r = " + to_string(merge.schedule);
}

struct Facts {
  Architecture architecture;
  Grid size;
  double keep_ratio;  // of a big.LITTLE ViT's patches
  std::string schedule;
  std::string how;  // tokens merge, in a word
  Cost dense;
  std::optional<Cost> merged;   // none where the picture decides
  std::optional<double> plain;  // GFLOPs of a big.LITTLE ViT without routing and LITTLE blocks
};

const char* pooling_name(const Architecture& a) {
  if (a.pool_concat) return "token and average";
  switch (a.pooling) {
    case Pooling::map:
      return "attention";
    case Pooling::prefix:
      return "prefix tokens";
    case Pooling::average:
      return "average";
    case Pooling::token:
      break;
  }
  return a.first_patch_leads ? "first patch" : "token";
}

int selected_of(const Facts& facts) {
  return selected_tokens(facts.architecture, facts.keep_ratio, facts.dense.tokens_per_layer.back());
}

nlohmann::ordered_json routing_as_json(const Facts& facts) {
  const Routing& routing = *facts.architecture.routing;
  return {{"keep_ratio", facts.keep_ratio},         {"selected_tokens", selected_of(facts)},
          {"predict_after", routing.predict_after}, {"first_big", routing.first_big},
          {"little_every", routing.little_every},   {"little_width", routing.little_width},
          {"little_heads", routing.little_heads},   {"gflops_plain", *facts.plain}};
}

// Layers that see whole images, counted from 1.
std::vector<int> over_all_of(const Architecture& a) {
  std::vector<int> layers = a.over_all;
  for (int& layer : layers) ++layer;
  return layers;
}

std::vector<int> extents_of(const Architecture& a, const Grid& grid) {
  if (a.medium == Medium::video) return {grid.frames, grid.rows, grid.columns};
  return {grid.rows, grid.columns};
}

const char* medium_name(const Architecture& a) {
  return a.medium == Medium::video ? "video" : "sound";
}

void print_as_json(const Facts& facts) {
  const Architecture& a = facts.architecture;
  nlohmann::ordered_json tokens;
  nlohmann::ordered_json gflops, computed;
  if (facts.merged) {
    tokens = facts.merged->tokens_per_layer;
    gflops = facts.merged->gflops;
    computed = facts.merged->computed;
  }
  nlohmann::ordered_json line = {{"architecture", a.name},
                                 {"parameters", a.parameters},
                                 {"tokens_per_layer", tokens},
                                 {"gflops_dense", facts.dense.gflops},
                                 {"gflops", gflops},
                                 {"gflops_computed", computed},
                                 {"r", facts.schedule},
                                 {"width", a.width},
                                 {"depth", a.depth},
                                 {"heads", a.block.heads},
                                 {"mlp_width", a.block.mlp_width},
                                 {"branches", a.block.branches},
                                 {"patch", extents_of(a, a.patch)},
                                 {"stem", to_string(a.stem)},
                                 {"class_token", a.class_token},
                                 {"distillation_token", a.distillation_token},
                                 {"registers", a.registers},
                                 {"layer_scale", a.block.scale_attention || a.block.scale_mlp},
                                 {"activation", to_string(a.block.activation)},
                                 {"gated_mlp", a.block.gated},
                                 {"family", a.family},
                                 {"pooling", pooling_name(a)},
                                 {"features", a.features()},
                                 {"classes", a.classes},
                                 {"input_size", extents_of(a, facts.size)},
                                 {"simd", to_string(chosen_instructions())}};
  if (a.medium != Medium::picture) line["medium"] = medium_name(a);
  if (!a.stride.empty()) line["stride"] = extents_of(a, a.stride);
  if (a.window > 0) line["windows"] = {{"side", a.window}, {"over_all", over_all_of(a)}};
  if (a.routing) line["routing"] = routing_as_json(facts);
  print_json_line(line);
}

void print_row(const char* name, const std::string& value) {
  print(fmt::format("{:<14}{}\n", name, value));
}

// "4.61", or of small models as many digits as tell something: "0.0042".
std::string gflops_text(double gflops) {
  return gflops < 0.1 ? fmt::format("{:.2g} GFLOPs", gflops) : fmt::format("{:.2f} GFLOPs", gflops);
}

const char* stem_text(Stem stem) {
  if (stem == Stem::linear) return "";
  return stem == Stem::hmlp ? ", hMLP stem" : ", convolutional stem";
}

std::string stride_text(const Architecture& a) {
  return a.stride.empty() ? "" : fmt::format(", {} apart", grid_text(a.stride));
}

std::string layers_text(const Architecture& a) {
  const BlockShape& block = a.block;
  std::string text =
      fmt::format("{} of width {}, {} head{}, {}MLP {}", a.depth, a.width, block.heads,
                  block.heads == 1 ? "" : "s", block.gated ? "gated " : "", block.mlp_width);
  if (block.branches > 1) text += fmt::format(", {} branches each", block.branches);
  if (block.scale_attention || block.scale_mlp) text += ", LayerScale";
  if (block.activation != Activation::gelu)
    text += fmt::format(", {}", to_string(block.activation));
  if (block.norm == NormKind::rms) text += ", RMSNorm";
  if (block.post_norm) text += ", norms behind";
  if (block.qk_norm) text += ", norms of queries and keys";
  return text;
}

std::string positions_text(const Architecture& a) {
  std::vector<std::string> kinds;
  if (a.split_positions) {
    const Grid grid = a.patches_of(a.image_size);
    kinds.push_back(
        fmt::format("learned, of {} times and {} places", grid.frames, grid.frame_size()));
  } else if (a.position_rows > 0) {
    kinds.push_back(fmt::format("learned, {} rows", a.position_rows));
  }
  if (a.sinusoids) kinds.emplace_back("sines and cosines");
  if (a.block.rotation) kinds.emplace_back("rotary");
  if (a.block.bias_rows > 0) {
    kinds.push_back(fmt::format("relative, of {} x {} patches", a.block.bias_grid.rows,
                                a.block.bias_grid.columns));
  }
  return kinds.empty() ? "none" : fmt::format("{}", fmt::join(kinds, "; "));
}

std::string tokens_text(const Architecture& a) {
  std::string text = "patches";
  if (a.class_token) text += ", class";
  if (a.distillation_token) text += ", distillation";
  if (a.registers > 0)
    text += fmt::format(", {} register{}", a.registers, a.registers == 1 ? "" : "s");
  return text;
}

std::string output_text(const Architecture& a) {
  const std::string what = a.classes > 0 ? fmt::format("{} classes", a.classes)
                                         : fmt::format("features of {} channels", a.features());
  return fmt::format("{}, pooled by {}{}{}", what, pooling_name(a),
                     a.projection > 0 ? " and projected" : "",
                     a.distilled_head ? "; the mean with those of the distillation token" : "");
}

std::string little_text(const Routing& routing) {
  if (routing.little_every == 0) return "none";
  return fmt::format(
      "of width {}, {} heads, MLP {}, one in every {} after the first {}", routing.little_width,
      routing.little_heads, routing.little_mlp_width,
      routing.little_every == 1 ? "layer" : fmt::format("{} layers", routing.little_every),
      routing.first_big);
}

void print_routed(const Facts& facts) {
  const Routing& routing = *facts.architecture.routing;
  const double gflops = facts.dense.gflops;
  const int tokens = facts.dense.tokens_per_layer.back();
  print_row("LITTLE", little_text(routing));
  print_row("plain", fmt::format("{}, {} tokens", gflops_text(*facts.plain), tokens));
  print_row("routed", fmt::format("{}, {} tokens on the big path: {:.2f} times less",
                                  gflops_text(gflops), selected_of(facts), *facts.plain / gflops));
  print_row("", fmt::format("chosen after layers: {}", fmt::join(routing.predict_after, " ")));
}

// What the last layer spares where the class token is all that is read of it.
std::string computed_text(const Cost& cost) {
  return cost.computed < cost.gflops ? fmt::format(" ({:.2f} for features alone)", cost.computed)
                                     : "";
}

void print_as_text(const Facts& facts) {
  const Architecture& a = facts.architecture;
  print_row("architecture", a.name.empty() ? "not named" : printable(a.name));
  if (!a.family.empty()) print_row("names", fmt::format("as in {}", a.family));
  print_row("parameters", fmt::format("{:.2f} million", static_cast<double>(a.parameters) * 1e-6));
  print_row("layers", layers_text(a));
  print_row("input", fmt::format("{}, {} of {}{}{}", size_text(a, facts.size),
                                 a.medium == Medium::video ? "tubes" : "patches",
                                 grid_text(a.patch), stride_text(a), stem_text(a.stem)));
  print_row("tokens", tokens_text(a));
  print_row("positions", positions_text(a));
  if (a.window > 0) {
    print_row("windows", fmt::format("{} x {} patches; over all in layers {}", a.window, a.window,
                                     fmt::join(over_all_of(a), " ")));
  }
  print_row("output", output_text(a));
  print_row("instructions", to_string(chosen_instructions()));
  if (a.routing) {
    print_routed(facts);
  } else {
    print_row("dense",
              fmt::format("{}{}, {} tokens", gflops_text(facts.dense.gflops),
                          computed_text(facts.dense), facts.dense.tokens_per_layer.back()));
  }
  if (!facts.merged) {
    return print_row("merged",
                     fmt::format("as the picture is, with {}; fovea bench measures it", facts.how));
  }
  const Cost& merged = *facts.merged;
  if (merged.gflops == facts.dense.gflops) return;
  // Selected tokens of a big.LITTLE ViT may merge with each other, by chance, which spares more.
  print_row("merged", fmt::format("{}{}{} with {}: {:.2f} times less", a.routing ? "at most " : "",
                                  gflops_text(merged.gflops), computed_text(merged), facts.how,
                                  facts.dense.gflops / merged.gflops));
  print_row(
      "", fmt::format("tokens that leave each layer: {}", fmt::join(merged.tokens_per_layer, " ")));
}

int inspect(const Flags& flags) {
  RunOptions options = run_options(merge_options(flags.merge), flags.keep_ratio);
  const Architecture a = look_at(flags.model, load_options(flags.run));
  const double keep_ratio = keep_ratio_of(a, options.keep_ratio);
  check_fits(options.merge, a);
  const Grid size = input_size(flags.size, a);
  resolve_speedup(flags.merge, flags.model, a, size, options);
  const MergeOptions& merge = options.merge;
  Facts facts{a, size, keep_ratio, to_string(merge.schedule), how_many(merge), {}, {}, {}};
  facts.dense = cost(a, size, {}, options.keep_ratio);
  if (!merge.threshold) facts.merged = cost(a, size, merge, options.keep_ratio);
  if (a.routing) {
    Architecture plain = a;
    plain.routing.reset();
    facts.plain = cost(plain, size).gflops;
  }
  (flags.json ? print_as_json : print_as_text)(facts);
  return kDone;
}

}  // namespace

void add_inspect(Command& program, int& status) {
  Command* command = program.add_subcommand("inspect", "Show what a model is and what it costs");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  add_size(*command, flags->size);
  command->add_flag("--json", flags->json,
                    "Print one JSON object: architecture, parameters,\n"
                    "tokens_per_layer (that leave each layer), gflops_dense,\n"
                    "gflops (of one image, with merging), gflops_computed (where\n"
                    "features are all that is read; all three null with\n"
                    "--threshold), and more; of a big.LITTLE model as it is\n"
                    "routed, beside `routing`");
  add_run_flags(*command, flags->run);
  add_keep_ratio(*command, flags->keep_ratio);
  add_merge_flags(*command, flags->merge);
  command->footer(
      "Example: what does merging 8 tokens in each layer spare?\n"
      "  fovea inspect vit_large_patch16_224 --r 8");
  command->callback([flags, &status] { status = inspect(*flags); });
}

}  // namespace fovea::cli
