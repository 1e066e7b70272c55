// fovea inspect: what a model is, and what it costs with and without merging.
#include <memory>
#include <nlohmann/json.hpp>

#include "fovea/cli/commands.h"
#include "fovea/cli/options.h"
#include "fovea/model/checkpoint.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, size;
  bool json = false;
  MergeFlags merge;
};

// Reads only names and shapes: no weights.
Architecture look_at(const std::string& model) {
  if (is_named(model)) return named_architecture(model);
  const bool is_folder = std::filesystem::is_directory(model);
  const Checkpoint checkpoint = Checkpoint::open(model);
  return infer_architecture(checkpoint,
                            read_config(is_folder ? std::filesystem::path(model)
                                                  : std::filesystem::path(model).parent_path()));
}

struct Facts {
  Architecture architecture;
  std::array<int, 2> size;
  std::string schedule;
  Cost dense, merged;
};

std::string pooling_name(const Architecture& a) {
  if (a.pool_concat) return "token and average";
  return a.pooling == Pooling::token ? "token" : "average";
}

void print_json(const Facts& facts) {
  const Architecture& a = facts.architecture;
  const nlohmann::ordered_json line = {{"architecture", a.name},
                                       {"parameters", a.parameters},
                                       {"width", a.width},
                                       {"depth", a.depth},
                                       {"heads", a.heads},
                                       {"mlp_width", a.mlp_width},
                                       {"branches", a.branches},
                                       {"patch", a.patch},
                                       {"stem", a.stem == Stem::hmlp ? "hmlp" : "linear"},
                                       {"class_token", a.class_token},
                                       {"distillation_token", a.distillation_token},
                                       {"registers", a.registers},
                                       {"layer_scale", a.layer_scale},
                                       {"pooling", pooling_name(a)},
                                       {"classes", a.classes},
                                       {"input_size", facts.size},
                                       {"r", facts.schedule},
                                       {"tokens_per_layer", facts.merged.tokens_per_layer},
                                       {"gflops_dense", facts.dense.gflops},
                                       {"gflops", facts.merged.gflops}};
  fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string tokens_text(const Architecture& a) {
  std::string text = "patches";
  if (a.class_token) text += ", class";
  if (a.distillation_token) text += ", distillation";
  if (a.registers > 0) text += fmt::format(", {} registers", a.registers);
  return text;
}

void print_text(const Facts& facts) {
  const Architecture& a = facts.architecture;
  const auto row = [](const char* name, const std::string& value) {
    fmt::print("{:<14}{}\n", name, value);
  };
  row("architecture", a.name.empty() ? "not named in config.json" : printable(a.name));
  row("parameters", fmt::format("{:.2f} million", static_cast<double>(a.parameters) * 1e-6));
  row("layers",
      fmt::format("{} of width {}, {} heads, MLP {}{}{}", a.depth, a.width, a.heads, a.mlp_width,
                  a.branches > 1 ? fmt::format(", {} branches each", a.branches) : "",
                  a.layer_scale ? ", LayerScale" : ""));
  row("input", fmt::format("{} x {} pixels, patches of {} x {}{}", facts.size[0], facts.size[1],
                           a.patch[0], a.patch[1], a.stem == Stem::hmlp ? ", hMLP stem" : ""));
  row("tokens", tokens_text(a));
  row("output", a.classes > 0 ? fmt::format("{} classes, pooled by {}", a.classes, pooling_name(a))
                              : fmt::format("features, pooled by {}", pooling_name(a)));
  row("dense", fmt::format("{:.2f} GFLOPs, {} tokens", facts.dense.gflops,
                           facts.dense.tokens_per_layer.back()));
  if (facts.merged.gflops == facts.dense.gflops) return;
  std::string tokens;
  for (const int count : facts.merged.tokens_per_layer) tokens += fmt::format(" {}", count);
  row("merged", fmt::format("{:.2f} GFLOPs with r = {}: {:.2f} times less", facts.merged.gflops,
                            facts.schedule, facts.dense.gflops / facts.merged.gflops));
  row("", "tokens that leave each layer:" + tokens);
}

int inspect(const Flags& flags) {
  const MergeOptions merge = merge_options(flags.merge);
  Facts facts{look_at(flags.model), {}, to_string(merge.schedule), {}, {}};
  const Architecture& a = facts.architecture;
  facts.size = flags.size.empty() ? made_for(a) : parse_size("--size", flags.size);
  const auto [height, width] = facts.size;
  if (height < a.patch[0] || width < a.patch[1] || height % a.patch[0] != 0 ||
      width % a.patch[1] != 0) {
    fail("--size {}x{}: expected multiples of the patch, {} x {}", height, width, a.patch[0],
         a.patch[1]);
  }
  facts.dense = cost(a, height, width, std::vector<int>(a.depth));
  facts.merged = cost(a, height, width, layer_schedule(merge.schedule, a.depth));
  (flags.json ? print_json : print_text)(facts);
  return kDone;
}

}  // namespace

void add_inspect(CLI::App& program, int& status) {
  CLI::App* command = program.add_subcommand("inspect", "Show what a model is and what it costs");
  auto flags = std::make_shared<Flags>();
  command
      ->add_option("MODEL", flags->model,
                   "Folder, .safetensors file, or an architecture: vit_small_patch16_224")
      ->required();
  command->add_option("--size", flags->size,
                      "Size of the input in pixels: 224, or height x width: 224x384");
  command->add_flag(
      "--json", flags->json,
      "Print one JSON object: architecture, parameters, tokens_per_layer (that leave each layer), "
      "gflops_dense, gflops, ...");
  add_merge_flags(*command, flags->merge);
  command->footer("Example: fovea inspect vit_large_patch16_224 --r 8");
  command->callback([flags, &status] { status = inspect(*flags); });
}

}  // namespace fovea::cli
