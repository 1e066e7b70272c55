// The commands of the program, one file each.
#pragma once

#include <CLI/CLI.hpp>

namespace fovea::cli {

// Exit statuses.
inline constexpr int kDone = 0;
inline constexpr int kSomeSkipped = 1;  // pictures were left out, the rest is done
inline constexpr int kRefused = 2;      // wrong usage, or nothing of the input could be read

// Add a command to the program; when it is chosen, parsing runs it and `status` receives the exit
// status. It throws Error for what it can't do.
void add_forward(CLI::App& program, int& status);
void add_classify(CLI::App& program, int& status);
void add_embed(CLI::App& program, int& status);
void add_inspect(CLI::App& program, int& status);
void add_bench(CLI::App& program, int& status);
void add_evaluate(CLI::App& program, int& status);
void add_visualize(CLI::App& program, int& status);
void add_sweep(CLI::App& program, int& status);
void add_tune(CLI::App& program, int& status);
// In builds without libtorch these say where they are.
void add_train(CLI::App& program, int& status);
void add_finetune(CLI::App& program, int& status);

}  // namespace fovea::cli
