// The program: reads the command line, runs one command, turns errors into one line and an exit
// status.
#include <fcntl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "fovea/backend/cpu/instruction_set.h"
#include "fovea/cli/command.h"
#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

constexpr const char* kAbout =
    "Fovea runs Vision Transformers on the CPU, and makes them faster by merging tokens that say\n"
    "the same.\n\n"
    "MODEL is a folder with weights (safetensors, shards, PyTorch's .pth or .bin) and config.json\n"
    "from timm, transformers, open_clip and others, or such a file of weights alone.\n";

constexpr const char* kFooter =
    "Examples:\n"
    "  fovea bench vit_small_patch16_224 --r 0,13    how fast is it here, and with merging?\n"
    "  fovea inspect MODEL                           what is in this file?\n"
    "  fovea classify MODEL cat.jpg                  what is in this picture?\n"
    "  fovea embed MODEL photos/ -o features.npy     a feature vector of every picture\n"
    "  fovea segment MODEL cat.jpg --point 90,60 -o mask.png   what is this?\n"
    "  fovea visualize MODEL cat.jpg -o out.png      what merges in this picture?\n"
    "  fovea embed --help                            all options of a command\n\n"
    "Exit status: 0 done; 1 some pictures were skipped, or interrupted; 2 wrong usage or input.\n"
    "Environment: FOVEA_SIMD caps the instruction set: ";

// Opens what is closed of the three standard streams, so that no file takes its number and gets
// results or messages written into it. Read-only: writing results there fails, and is noticed.
void hold_standard_streams() {
  for (int stream = 0; stream <= 2; ++stream) {
    if (::fcntl(stream, F_GETFD) == -1) ::open("/dev/null", O_RDONLY);
  }
}

// The arguments as CLI11 wants them: the last one first. It would take "[a,b]" for the list a, b,
// but it can only be a path that is called so.
std::vector<std::string> arguments(int argc, char** argv) {
  std::vector<std::string> texts(argv + std::min(argc, 1), argv + argc);
  for (std::string& text : texts) {
    if (text.starts_with('[') && text.ends_with(']')) text.insert(0, "./");
  }
  std::reverse(texts.begin(), texts.end());
  return texts;
}

// What is wrong with the command line, in one line.
std::string describe(const CLI::App& program, const CLI::ParseError& error) {
  // Told first, because a misspelt option also leaves the right one missing.
  const std::vector<std::string> unknown = program.remaining(true);
  if (!unknown.empty()) {
    const std::string text = printable(unknown.front());
    if (text.starts_with('-')) return "unknown option " + text;
    if (program.get_subcommands().empty())
      return "unknown command " + text +
             "; expected classify, embed, forward, inspect, bench, evaluate, segment, visualize, "
             "sweep, tune, convert, train, finetune or distill";
    return "unexpected argument " + text;
  }
  const std::string text = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr)
    return text.substr(0, text.find(':')) + ": expected one value, and only once";
  const bool is_flag = dynamic_cast<const CLI::ConversionError*>(&error) != nullptr;
  return printable(text) + (is_flag ? "; expected no value" : "");
}

std::string version_text() {
  return fmt::format("fovea {} ({})", FOVEA_VERSION, to_string(chosen_instructions()));
}

int parse_and_run(int argc, char** argv) {
  CLI::App program(kAbout, "fovea");
  program.footer(kFooter + level_names() + ".");
  program.get_formatter()->label("REQUIRED", "(required)");
  program.get_formatter()->label("SUBCOMMAND", "COMMAND");
  program.set_help_flag("-h,--help", "Explain the command and its options");
  program.set_version_flag("--version", version_text,
                           "Print the version and the instruction set in use");
  program.require_subcommand(0, 1);
  int status = kDone;
  Command commands(&program);
  add_classify(commands, status);
  add_embed(commands, status);
  add_forward(commands, status);
  add_preprocess(commands, status);
  add_inspect(commands, status);
  add_bench(commands, status);
  add_evaluate(commands, status);
  add_segment(commands, status);
  add_visualize(commands, status);
  add_sweep(commands, status);
  add_tune(commands, status);
  add_convert(commands, status);
  add_train(commands, status);
  add_finetune(commands, status);
  add_distill(commands, status);
  for (CLI::App* command : program.get_subcommands({})) command->group("Commands");
  try {
    program.parse(arguments(argc, argv));
    if (program.get_subcommands().empty()) print(program.help());
  } catch (const CLI::CallForHelp&) {
    print(program.help());
  } catch (const CLI::CallForVersion& version) {
    print(version.what() + std::string("\n"));
  } catch (const CLI::ParseError& error) {
    const auto chosen = program.get_subcommands();
    const std::string command = chosen.empty() ? "fovea" : "fovea " + chosen.front()->get_name();
    fail("{} ({} --help says more)", describe(program, error), command);
  }
  return status;
}

std::terminate_handler g_usual_terminate = nullptr;

// Some of what others wrote allocates where nothing can catch what it throws: CLI11's static
// objects, destructors of nlohmann's JSON, the standard library's walk through a folder.
void terminate_in_one_line() {
  try {
    if (std::current_exception() != nullptr) throw;
  } catch (const std::bad_alloc&) {
    complain_of_memory();
    std::_Exit(kRefused);
  } catch (...) {
  }
  g_usual_terminate();
}

// Before static objects are made.
[[gnu::constructor(101)]] void set_terminate() {
  g_usual_terminate = std::set_terminate(terminate_in_one_line);
}

int run(int argc, char** argv) {
  try {
    const int status = parse_and_run(argc, argv);
    flush_output();
    return status;
  } catch (const std::bad_alloc&) {
    complain_of_memory();
    return kRefused;
  } catch (const std::exception& error) {
    complain(error.what());
    return kRefused;
  }
}

}  // namespace
}  // namespace fovea::cli

int main(int argc, char** argv) {
  fovea::cli::hold_standard_streams();
  return fovea::cli::run(argc, argv);
}
