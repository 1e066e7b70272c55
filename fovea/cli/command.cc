#include "fovea/cli/command.h"

#include <CLI/CLI.hpp>

namespace fovea::cli {

Option* Option::type_name(const std::string& name) {
  option_->type_name(name);
  return this;
}

Option* Option::group(const std::string& heading) {
  option_->group(heading);
  return this;
}

Option* Option::required(bool is_required) {
  option_->required(is_required);
  return this;
}

Option* Command::keep(CLI::Option* option) { return &options_.emplace_back(option); }

Command* Command::add_subcommand(const std::string& name, const std::string& help) {
  return &commands_.emplace_back(app_->add_subcommand(name, help));
}

Option* Command::add_option(const std::string& names, std::string& value, const std::string& help) {
  return keep(app_->add_option(names, value, help));
}

Option* Command::add_option(const std::string& names, std::vector<std::string>& values,
                            const std::string& help) {
  return keep(app_->add_option(names, values, help));
}

Option* Command::add_repeated_option(const std::string& names, std::vector<std::string>& values,
                                     const std::string& help) {
  return keep(app_->add_option(names, values, help)->allow_extra_args(false));
}

Option* Command::add_option_function(const std::string& names,
                                     const std::function<void(const std::string&)>& take,
                                     const std::string& help) {
  return keep(app_->add_option_function<std::string>(names, take, help));
}

void Command::add_flag(const std::string& names, bool& value, const std::string& help) {
  app_->add_flag(names, value, help);
}

bool Command::has_option(const std::string& name) const {
  return app_->get_option_no_throw(name) != nullptr;
}

void Command::allow_extras() { app_->allow_extras(); }

void Command::footer(const std::string& text) { app_->footer(text); }

void Command::callback(const std::function<void()>& run) { app_->callback(run); }

}  // namespace fovea::cli
