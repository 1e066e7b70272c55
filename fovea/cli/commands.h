// The commands of the program, one file each. Each returns the process's exit status and throws
// Error for what it can't do.
#pragma once

#include <CLI/CLI.hpp>

namespace fovea::cli {

// Exit statuses.
inline constexpr int kDone = 0;
inline constexpr int kSomeSkipped = 1;  // pictures were left out, or work failed midway
inline constexpr int kRefused = 2;      // wrong usage, or nothing of the input could be read

// Adds a command to the program; when it is chosen, `status` receives what it returned.
void add_forward(CLI::App& program, int& status);
void add_classify(CLI::App& program, int& status);
void add_embed(CLI::App& program, int& status);
void add_inspect(CLI::App& program, int& status);
void add_bench(CLI::App& program, int& status);

}  // namespace fovea::cli
