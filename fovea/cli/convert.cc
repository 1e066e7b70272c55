// fovea convert: writes a model anew, as safetensors, smaller, renamed or with parallel branches.
#include <memory>
#include <optional>
#include <vector>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/options.h"
#include "fovea/io/fail.h"
#include "fovea/model/copy.h"
#include "fovea/model/location.h"
#include "fovea/model/regroup.h"
#include "fovea/model/stored.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, output, branches, heads, key, dtype, names;
};

std::optional<Storage> parse_storage(const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (name == "f32") return Storage::f32;
  if (name == "f16") return Storage::f16;
  if (name == "bf16") return Storage::bf16;
  fail("--dtype {}: expected f32, f16 or bf16", printable(name));
}

bool wants_timms_names(const Flags& flags) {
  if (!flags.names.empty() && flags.names != "timm")
    fail("--names {}: expected timm, or none, which keeps them", printable(flags.names));
  return !flags.names.empty() || !flags.branches.empty();
}

// Before hours of anything else are spent: the model must not be written over itself.
void check_output(const Flags& flags) {
  const std::filesystem::path output = flags.output;
  if (output.extension() == ".safetensors")
    fail("-o {}: expected the name of a folder", printable(flags.output));
  std::vector<std::filesystem::path> files = {output, output / "model.safetensors"};
  for (const char* name : kConfigNames) files.push_back(output / name);
  for (const auto& written : files) {
    if (!is_part_of(written, flags.model)) continue;
    fail("-o {}: is the model itself; expected another folder", printable(flags.output));
  }
}

// Throws Error now where layers can't be put side by side.
void check_branches(const Architecture& a, int branches) {
  try {
    if (branches > 1) regrouped(a, branches);
  } catch (const Error& error) {
    fail("--branches {}: {}", branches, error.what());
  }
}

int convert(const Flags& flags) {
  const std::optional<Storage> storage = parse_storage(flags.dtype);
  const bool as_timm = wants_timms_names(flags);
  const int branches =
      flags.branches.empty() ? 1 : parse_whole("--branches", flags.branches, 2, 1024);
  const int heads = parse_heads(flags.heads);
  check_output(flags);
  if (is_named(flags.model)) {
    const Architecture a = named_model(flags.model, heads, flags.key);
    check_branches(a, branches);
    write_random(flags.output, a, branches, storage);
    return kDone;
  }
  const StoredModel stored = open_stored(flags.model, heads, flags.key);
  check_branches(stored.architecture, branches);
  if (as_timm || stored.checkpoint.delta() != nullptr) {
    copy_as_timm(flags.output, stored, branches, storage);
  } else {
    copy_model(flags.output, stored, heads, storage);
  }
  for (const std::string& text : stored.checkpoint.check_all_used()) note(text);
  return kDone;
}

}  // namespace

void add_convert(Command& program, int& status) {
  Command* command = program.add_subcommand(
      "convert",
      "Write a model anew: as safetensors, smaller, renamed, or with\nparallel branches");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  command->add_option("-o,--output", flags->output, "Folder for model.safetensors and config.json")
      ->type_name("FOLDER")
      ->required();
  command
      ->add_option("--branches", flags->branches,
                   "Put every N layers side by side, as branches of one: fewer layers,\n"
                   "as many weights, under timm's names. Answers change; fine-tuning\n"
                   "mends them")
      ->type_name("N");
  command
      ->add_option("--dtype", flags->dtype,
                   "Number format of the file's weights (default: each tensor's own)")
      ->type_name("f32|f16|bf16");
  command
      ->add_option("--names", flags->names,
                   "Names of tensors, and what config.json says, as timm has them;\n"
                   "what is no part of the image model stays behind (default: the\n"
                   "file's names, less nesting and a prefix before all of them)")
      ->type_name("timm");
  add_heads(*command, flags->heads);
  add_key(*command, flags->key);
  command->footer(
      "Examples: a .pth file as safetensors; half the size; half the layers, with two\n"
      "branches each\n"
      "  fovea convert dino.pth --key teacher -o dino\n"
      "  fovea convert dino -o dino-bf16 --dtype bf16\n"
      "  fovea convert vit_small -o vit_small_6x2 --branches 2");
  command->callback([flags, &status] { status = convert(*flags); });
}

}  // namespace fovea::cli
