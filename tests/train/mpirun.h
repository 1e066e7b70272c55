// Running programs as several processes in a test.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "fovea/io/testing.h"
#include "tests/subprocess.h"

namespace fovea {

inline constexpr const char* kMpirun = "/usr/bin/mpirun";

inline bool has_mpirun() { return std::filesystem::exists(kMpirun); }

// The processes that a process has started.
inline std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string stat = read_all(entry.path() / "stat");
    const size_t end = stat.rfind(')');  // "PID (NAME) STATE PARENT ..."
    if (end == std::string::npos) continue;
    std::istringstream rest(stat.substr(end + 1));
    std::string state;
    pid_t of = 0;
    rest >> state >> of;
    if (of == parent) children.push_back(std::stoi(name));
  }
  std::sort(children.begin(), children.end());
  return children;
}

// `count` processes of a program, wherever they find room.
inline Finished run_processes(int count, const std::string& program,
                              const std::vector<std::string>& arguments,
                              const std::function<void(pid_t)>& meanwhile = {}) {
  // Two that start at once would otherwise both make the same folder, and one would fail.
  const TemporaryFolder sessions;
  std::vector<std::string> all = {
      "-np",   std::to_string(count), "--oversubscribe",       "--bind-to", "none",
      "--mca", "orte_tmpdir_base",    sessions.path().string()};
  if (::geteuid() == 0) all.emplace_back("--allow-run-as-root");
  all.push_back(program);
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_program(kMpirun, all, {}, meanwhile);
}

}  // namespace fovea
