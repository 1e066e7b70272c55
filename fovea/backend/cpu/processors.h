// How many processors this process may use: what the system lets it run on, and how long.
#pragma once

#include <filesystem>
#include <optional>

namespace fovea {

// Processors that this process can keep busy, at least 1: those it is bound to, or fewer where a
// control group's quota allows less time than they have.
int runnable_processors();

// As many threads as to start where nobody says how many: the same, or fewer where OMP_NUM_THREADS
// asks for fewer.
int usable_processors();

// Threads to start where `asked` are asked for, or none (0): more than can run at once would only
// get in each other's way.
int threads_to_start(int asked);

// The least quota of the control groups that this process is in, in processors, rounded up; nothing
// where there is none. Versions 1 and 2 of control groups are read, below `root`.
std::optional<int> quota_processors(const std::filesystem::path& root);

// The number in the form of OMP_NUM_THREADS, of a list "4,2" the first; nothing where it is not a
// number above 0.
std::optional<int> omp_threads(const char* text);

}  // namespace fovea
