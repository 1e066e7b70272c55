// fovea convert: writes a model anew, under timm's names, smaller or with parallel branches.
#include <memory>
#include <optional>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/options.h"
#include "fovea/io/fail.h"
#include "fovea/model/location.h"
#include "fovea/model/regroup.h"
#include "fovea/model/save.h"
#include "fovea/model/stored.h"
#include "fovea/model/tensors.h"
#include "fovea/model/weights.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, output, branches, heads;
  std::string dtype = "f32";
};

Storage parse_storage(const std::string& name) {
  if (name == "f32") return Storage::f32;
  if (name == "f16") return Storage::f16;
  if (name == "bf16") return Storage::bf16;
  fail("--dtype {}: expected f32, f16 or bf16", printable(name));
}

// All of a model, in memory.
struct Loaded {
  Architecture architecture;
  Config config;
  std::vector<Weight> weights;
};

Loaded load(const std::string& model, int heads) {
  if (is_named(model)) {
    const Architecture a = named_architecture(model);
    RandomWeights source(0);
    return {a, {}, read_weights(source, a)};
  }
  const StoredModel stored = open_stored(model, heads);
  for (const std::string& text : stored.checkpoint.check_all_used()) note(text);
  CheckpointWeights source(stored.checkpoint);
  return {stored.architecture, stored.config, read_weights(source, stored.architecture)};
}

void regroup(Loaded& model, int branches) {
  model.architecture = regrouped(model.architecture, branches);
  for (Weight& weight : model.weights) weight.name = regrouped_name(weight.name, branches);
}

// Before hours of anything else are spent: the model must not be written over itself.
void check_output(const Flags& flags) {
  const std::filesystem::path output = flags.output;
  if (output.extension() == ".safetensors")
    fail("-o {}: expected the name of a folder", printable(flags.output));
  for (const auto& written : {output, output / "model.safetensors", output / "config.json"}) {
    if (!is_part_of(written, flags.model)) continue;
    fail("-o {}: is the model itself; expected another folder", printable(flags.output));
  }
}

int convert(const Flags& flags) {
  const Storage storage = parse_storage(flags.dtype);
  std::optional<int> branches;
  if (!flags.branches.empty()) branches = parse_whole("--branches", flags.branches, 2, 1024);
  const int heads = parse_heads(flags.heads);
  check_output(flags);
  Loaded model = load(flags.model, heads);
  try {
    if (branches) regroup(model, *branches);
  } catch (const Error& error) {
    fail("--branches {}: {}", *branches, error.what());
  }
  save_model(flags.output, model.architecture, model.config, model.weights, storage);
  return kDone;
}

}  // namespace

void add_convert(Command& program, int& status) {
  Command* command =
      program.add_subcommand("convert", "Write a model anew: smaller, or with parallel branches");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  command
      ->add_option("-o,--output", flags->output,
                   "Folder for model.safetensors, under timm's names, and config.json")
      ->type_name("FOLDER")
      ->required();
  command
      ->add_option("--branches", flags->branches,
                   "Put every N layers side by side, as branches of one: fewer layers,\n"
                   "as many weights. Answers change; fine-tuning mends them")
      ->type_name("N");
  command->add_option("--dtype", flags->dtype, "Number format of the file's weights (default f32)")
      ->type_name("f32|f16|bf16");
  add_heads(*command, flags->heads);
  command->footer(
      "Example: half the layers, with two branches each\n"
      "  fovea convert vit_small -o vit_small_6x2 --branches 2");
  command->callback([flags, &status] { status = convert(*flags); });
}

}  // namespace fovea::cli
