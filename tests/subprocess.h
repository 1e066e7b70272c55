// Running a program in a test, with what it says caught and its end told.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "fovea/io/fail.h"
#include "fovea/io/testing.h"

namespace fovea {

struct Finished {
  int status = -1;  // exit status; 128 + the signal where one ended it
  std::string out;
  std::string err;
};

// Where the program's streams go instead of being caught, if not empty: "/dev/full", a terminal.
struct Streams {
  std::string out = {};
  std::string err = {};
  std::string in = {};  // what is on its standard input; nothing where empty
};

inline std::string read_all(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// In the child: puts a file in the place of a standard stream.
inline void redirect(int stream, const std::string& path, int flags) {
  const int opened = ::open(path.c_str(), flags | O_NOCTTY, 0600);
  if (opened < 0 || ::dup2(opened, stream) < 0) ::_exit(126);
}

// Sends a signal to a process as soon as it has said that it will handle Ctrl-C (signal 2 is the
// second bit of SigCgt); without that after 30 seconds.
inline void signal_when_it_listens(pid_t process, int signal) {
  using std::chrono::milliseconds;
  const std::string path = "/proc/" + std::to_string(process) + "/status";
  for (int i = 0; i < 3000; ++i) {
    const std::string status = read_all(path);
    const size_t at = status.find("SigCgt:");
    if (at != std::string::npos && (std::stoull(status.substr(at + 7), nullptr, 16) & 2U) != 0)
      break;
    std::this_thread::sleep_for(milliseconds(10));
  }
  ::kill(process, signal);
}

inline void interrupt_when_it_listens(pid_t process) { signal_when_it_listens(process, SIGINT); }

// Runs `program` to its end. `meanwhile` is given its process.
inline Finished run_program(const std::string& program, const std::vector<std::string>& arguments,
                            const Streams& streams = {},
                            const std::function<void(pid_t)>& meanwhile = {}) {
  const TemporaryFolder caught;
  const std::string out = streams.out.empty() ? (caught / "out").string() : streams.out;
  const std::string err = streams.err.empty() ? (caught / "err").string() : streams.err;
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) fail("{}: no process to run it", program);
  if (child == 0) {
    redirect(STDIN_FILENO, streams.in.empty() ? "/dev/null" : streams.in, O_RDONLY);
    redirect(STDOUT_FILENO, out, O_WRONLY | O_CREAT);
    redirect(STDERR_FILENO, err, O_WRONLY | O_CREAT);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  if (meanwhile) meanwhile(child);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  Finished finished;
  finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (streams.out.empty()) finished.out = read_all(out);
  if (streams.err.empty()) finished.err = read_all(err);
  return finished;
}

}  // namespace fovea
