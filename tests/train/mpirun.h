// Running programs as several processes in a test.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/subprocess.h"

namespace fovea {

inline constexpr const char* kMpirun = "/usr/bin/mpirun";

inline bool has_mpirun() { return std::filesystem::exists(kMpirun); }

// `count` processes of a program, wherever they find room.
inline Finished run_processes(int count, const std::string& program,
                              const std::vector<std::string>& arguments,
                              const std::function<void(pid_t)>& meanwhile = {}) {
  std::vector<std::string> all = {"-np", std::to_string(count), "--oversubscribe", "--bind-to",
                                  "none"};
  if (::geteuid() == 0) all.emplace_back("--allow-run-as-root");
  all.push_back(program);
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_program(kMpirun, all, {}, meanwhile);
}

}  // namespace fovea
