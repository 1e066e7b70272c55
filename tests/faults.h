// Running the program while one of its calls fails.
#pragma once

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tests/cli_testing.h"

// Sanitizers bring allocators of their own, which want to be loaded first.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FOVEA_SKIP_WITH_SANITIZERS() GTEST_SKIP() << "sanitizers don't go with preloading"
#else
#define FOVEA_SKIP_WITH_SANITIZERS() static_cast<void>(0)
#endif

namespace fovea {

struct FailedRun {
  Finished finished;
  std::vector<std::string> calls;  // what the preloaded library reported
  bool failed() const {            // whether there was such a call at all
    return std::any_of(calls.begin(), calls.end(),
                       [](const std::string& call) { return call.starts_with('!'); });
  }
};

// The program with tests/LIBRARY.cc preloaded, and that library's settings, "NAME=VALUE".
inline FailedRun run_failing(const std::string& library, std::vector<std::string> settings,
                             const std::vector<std::string>& arguments) {
  const TemporaryFolder folder;
  settings.push_back("FOVEA_FAIL_REPORT=" + (folder / "report").string());
  settings.push_back("LD_PRELOAD=" + preloaded(library));
  settings.push_back(fovea_program());
  settings.insert(settings.end(), arguments.begin(), arguments.end());
  FailedRun run = {run_program("/usr/bin/env", settings), {}};
  run.calls = lines_of(read_all(folder / "report"));
  return run;
}

// Names of files in a folder that a program should have removed.
inline std::set<std::string> left_behind(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const std::string name = file.path().filename();
    if (name.starts_with(".fovea-")) names.insert(name);
  }
  return names;
}

}  // namespace fovea
