// The commands of the program and their options, as its files write them down. CLI11 reads the
// command line; its headers take longer to compile than a command, so that they are included where
// it is parsed and nowhere else.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): the name is CLI11's
class App;
class Option;
}  // namespace CLI

namespace fovea::cli {

// An option or a positional argument. Each function returns the option itself.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  // What its help shows in the place of the value.
  Option* type_name(const std::string& name);
  // The heading of the help that it stands under.
  Option* group(const std::string& heading);
  Option* required(bool is_required = true);

 private:
  CLI::Option* option_;
};

// A command, or the program itself. What it returns lives as long as it does.
class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  Command(Command&&) = delete;
  Command& operator=(Command&&) = delete;
  ~Command() = default;

  Command* add_subcommand(const std::string& name, const std::string& help);
  // Names are "-o,--output", or "FILE" of a positional argument. The value is written as it is
  // parsed.
  Option* add_option(const std::string& names, std::string& value, const std::string& help);
  Option* add_option(const std::string& names, std::vector<std::string>& values,
                     const std::string& help);
  // One value each time that it is typed, so that a positional argument may follow.
  Option* add_repeated_option(const std::string& names, std::vector<std::string>& values,
                              const std::string& help);
  Option* add_option_function(const std::string& names,
                              const std::function<void(const std::string&)>& take,
                              const std::string& help);
  void add_flag(const std::string& names, bool& value, const std::string& help);
  bool has_option(const std::string& name) const;
  // Arguments that it does not know are no mistake.
  void allow_extras();
  // What stands below the options in its help.
  void footer(const std::string& text);
  // What runs it, once all is parsed.
  void callback(const std::function<void()>& run);

 private:
  Option* keep(CLI::Option* option);

  CLI::App* app_;
  std::list<Command> commands_;
  std::deque<Option> options_;
};

}  // namespace fovea::cli
