// What the program says, with every failure of standard output noticed.
#include "fovea/cli/console.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

bool g_notes = true;

[[noreturn]] void fail_to_print() {
  fail("standard output cannot be written: {}", std::generic_category().message(errno));
}

// Paths and texts of files may hold control characters; a message is one line all the same.
void print_line(std::string_view kind, std::string_view text) {
  std::string line = fmt::format("{}: {}", kind, text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7F') c = '?';
  }
  line += '\n';
  tell(line);
}

}  // namespace

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail_to_print();
}

void print_json_line(const nlohmann::ordered_json& object) {
  // Paths need not be UTF-8, JSON must.
  print(object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void flush_output() {
  if (std::fflush(stdout) != 0) fail_to_print();
}

void tell(std::string_view text) {
  // Where nobody reads a pipe any more, writing to it would end the program by this signal.
  sigset_t broken, before;
  ::sigemptyset(&broken);
  ::sigaddset(&broken, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken, &before);
  std::fwrite(text.data(), 1, text.size(), stderr);
  const timespec at_once = {};
  ::sigtimedwait(&broken, nullptr, &at_once);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void note(std::string_view text) {
  if (g_notes) print_line("note", text);
}

void leave_out_notes() { g_notes = false; }

void complain(std::string_view text) { print_line("fovea", text); }

void complain_of_memory() noexcept { std::fputs("fovea: not enough memory\n", stderr); }

}  // namespace fovea::cli
