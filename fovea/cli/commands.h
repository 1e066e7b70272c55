// The commands of the program, one file each.
#pragma once

#include "fovea/cli/command.h"

namespace fovea::cli {

// Exit statuses.
inline constexpr int kDone = 0;
inline constexpr int kSomeSkipped = 1;  // pictures were left out, the rest is done
inline constexpr int kRefused = 2;      // wrong usage, or nothing of the input could be read

// Add a command to the program; when it is chosen, parsing runs it and `status` receives the exit
// status. It throws Error for what it can't do.
void add_forward(Command& program, int& status);
void add_preprocess(Command& program, int& status);
void add_classify(Command& program, int& status);
void add_embed(Command& program, int& status);
void add_inspect(Command& program, int& status);
void add_bench(Command& program, int& status);
void add_evaluate(Command& program, int& status);
void add_segment(Command& program, int& status);
void add_visualize(Command& program, int& status);
void add_sweep(Command& program, int& status);
void add_convert(Command& program, int& status);
void add_tune(Command& program, int& status);
// In builds without libtorch these say where they are.
void add_train(Command& program, int& status);
void add_finetune(Command& program, int& status);
void add_distill(Command& program, int& status);

}  // namespace fovea::cli
