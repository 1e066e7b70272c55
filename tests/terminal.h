// A terminal that a program in a test draws on.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace fovea {

class PseudoTerminal {
 public:
  PseudoTerminal() : screen_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)) {
    if (screen_ < 0 || ::grantpt(screen_) != 0 || ::unlockpt(screen_) != 0) return;
    name_ = ::ptsname(screen_);
    held_ = ::open(name_.c_str(), O_RDWR | O_NOCTTY);
  }
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;
  ~PseudoTerminal() {
    ::close(held_);
    ::close(screen_);
  }

  // False where the machine has none to give.
  bool is_there() const { return held_ >= 0; }
  const std::string& name() const { return name_; }
  // What was drawn on it, up to 4096 characters.
  std::string drawn() const {
    std::string text(4096, '\0');
    text.resize(std::max<ssize_t>(0, ::read(screen_, text.data(), text.size())));
    return text;
  }

 private:
  int screen_;
  int held_ = -1;  // open, or what a program wrote would be lost with its end
  std::string name_;
};

}  // namespace fovea
