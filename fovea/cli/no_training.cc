// The training commands of a program that was built without libtorch: they say how to get them.
#include "fovea/cli/commands.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

void add_missing(Command& program, const char* name, const char* help) {
  Command* command = program.add_subcommand(name, help);
  command->allow_extras();
  command->callback([name] {
    fail(
        "fovea {} is not in this build; expected that of: scripts/setup train && cmake --preset "
        "train && cmake --build --preset train",
        name);
  });
}

}  // namespace

void add_train(Command& program, int& /*status*/) {
  add_missing(program, "train", "Train a model as a recipe says (preset train)");
}

void add_finetune(Command& program, int& /*status*/) {
  add_missing(program, "finetune", "Go on training a model (preset train)");
}

void add_distill(Command& program, int& /*status*/) {
  add_missing(program, "distill", "Make a big.LITTLE ViT of a plain one (preset train)");
}

}  // namespace fovea::cli
