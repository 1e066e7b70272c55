#include "fovea/cli/merge_flags.h"

#include <filesystem>

#include "fovea/cli/options.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/model/course.h"
#include "fovea/tokens/options_json.h"

namespace fovea::cli {

void add_merge_flags(Command& command, MergeFlags& flags, const OwnFlags& own) {
  for (const MergeOption& option : merge_option_table()) {
    const std::string name = option.name;
    if (option.help == nullptr || (name == "r" && own.r)) continue;
    command
        .add_option_function(
            "--" + name, [&flags, name](const std::string& text) { flags.typed[name] = text; },
            option.help)
        ->type_name(option.type)
        ->group("Token merging");
  }
  if (!own.speedup) {
    command
        .add_option("--speedup", flags.speedup,
                    "Instead of --r: the least r with which an input costs so many\n"
                    "times fewer GFLOPs than dense; or, where fovea tune has written\n"
                    "fovea.json beside the model, the least multiple of its schedule")
        ->type_name("X")
        ->group("Token merging");
  }
  command
      .add_option("--merge-config", flags.config,
                  "JSON file that says these options by their names, as fovea tune\n"
                  "writes it: {\"r\": [8,0,5], \"metric\": \"k\"}; what is typed beside\n"
                  "it counts more")
      ->type_name("FILE")
      ->group("Token merging");
}

MergeTexts read_merge_config(const std::filesystem::path& path) {
  return parse_merge_config(read_text(path), path.string());
}

MergeTexts layered(const MergeFlags& flags) {
  MergeTexts texts = flags.typed;
  if (flags.config.empty()) return texts;
  MergeTexts below = read_merge_config(flags.config);
  if (texts.contains("r")) below.erase("inflect");
  texts.merge(below);
  return texts;
}

MergeOptions merge_options(const MergeFlags& flags) {
  if (parse_speedups(flags).size() > 1) {
    fail("--speedup {}: expected one number", printable(flags.speedup));
  }
  return merge_options(layered(flags));
}

std::vector<double> parse_speedups(const MergeFlags& flags) {
  if (flags.speedup.empty()) return {};
  for (const char* option : {"r", "threshold"}) {
    const auto typed = flags.typed.find(option);
    if (typed == flags.typed.end()) continue;
    fail("--speedup {}: does not go with --{} {}; expected one of them", printable(flags.speedup),
         option, printable(typed->second));
  }
  std::vector<double> speedups;
  for (const std::string& part : split(flags.speedup)) {
    speedups.push_back(parse_number("--speedup", part, 1, 1'000'000));
  }
  return speedups;
}

void check_fits(const MergeOptions& merge, const Architecture& architecture) {
  try {
    layer_schedule(merge, architecture.depth);
  } catch (const Error& error) {
    fail("--r {}: {}", printable(to_string(merge.schedule)), error.what());
  }
  course_of(architecture, merge);
}

}  // namespace fovea::cli
