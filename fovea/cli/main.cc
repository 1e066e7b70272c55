// The program: reads the command line, runs one command, turns errors into one line and an exit
// status.
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "fovea/cli/commands.h"
#include "fovea/io/error.h"

namespace fovea::cli {
namespace {

constexpr const char* kAbout =
    "Fovea runs Vision Transformers on the CPU and makes them faster by merging tokens that say "
    "the same.\n"
    "MODEL is a folder with model.safetensors and config.json (timm, DeiT, MAE, DINOv2, "
    "torchvision, SWAG or\n"
    "transformers), or such a file. `fovea COMMAND --help` says more.";

constexpr const char* kFooter =
    "Exit status: 0 done; 1 some pictures were skipped; 2 wrong usage or input.\n"
    "FOVEA_SIMD=scalar|avx2|avx512|avx512_bf16 caps the instruction set.";

int report(const std::string& message) {
  fmt::print(stderr, "fovea: {}\n", message);
  return kRefused;
}

// One line for an error of usage, with the command whose help would tell.
int report_usage(const CLI::App& program, const CLI::ParseError& error) {
  const auto chosen = program.get_subcommands();
  const std::string command = chosen.empty() ? "fovea" : "fovea " + chosen.front()->get_name();
  return report(printable(error.what()) + " (" + command + " --help says more)");
}

int run(int argc, char** argv) {
  CLI::App program(kAbout, "fovea");
  program.footer(kFooter);
  program.set_version_flag("--version", "fovea " FOVEA_VERSION);
  program.require_subcommand(0, 1);
  int status = kDone;
  add_classify(program, status);
  add_embed(program, status);
  add_forward(program, status);
  add_inspect(program, status);
  add_bench(program, status);
  try {
    program.parse(argc, argv);
    if (program.get_subcommands().empty()) fmt::print("{}", program.help());
  } catch (const CLI::Success& asked) {  // --help, --version
    return program.exit(asked);
  } catch (const CLI::ParseError& error) {
    return report_usage(program, error);
  } catch (const std::bad_alloc&) {
    return report("not enough memory");
  } catch (const std::exception& error) {
    return report(error.what());
  }
  return status;
}

}  // namespace
}  // namespace fovea::cli

int main(int argc, char** argv) {
  const int status = fovea::cli::run(argc, argv);
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  return written ? status : fovea::cli::report("standard output can't be written");
}
