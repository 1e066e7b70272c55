// fovea embed: pictures in, one feature vector each out.
#include <memory>
#include <ostream>

#include "fovea/cli/commands.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, output, names;
  std::vector<std::string> paths;
  std::string batch = "8";
  MergeFlags merge;
  RunFlags run;
};

int embed(const Flags& flags) {
  const MergeOptions merge = merge_options(flags.merge);
  const int batch = parse_whole("--batch", flags.batch, 1, 4096);
  const LoadOptions load = load_options(flags.run);
  check_can_write(flags.output);
  if (!flags.names.empty()) check_can_write(flags.names);
  const Model model = open_model(flags.model, load);
  Array features;
  std::vector<std::string> names;
  const int status =
      run_pictures(model, flags.paths, merge, batch,
                   [&](const std::filesystem::path& picture, int64_t index, const Result& result) {
                     const int64_t channels = result.features.shape[1];
                     const float* row = result.features.data.data() + index * channels;
                     features.data.insert(features.data.end(), row, row + channels);
                     names.push_back(picture.string());
                     features.shape = {static_cast<int64_t>(names.size()), channels};
                   });
  if (status == kRefused) fail("none of the pictures could be read; nothing written");
  write_npy(flags.output, features);
  if (!flags.names.empty()) {
    write_atomically(flags.names, [&](std::ostream& out) {
      for (const std::string& name : names) out << name << '\n';
    });
  }
  return status;
}

}  // namespace

void add_embed(CLI::App& program, int& status) {
  CLI::App* command = program.add_subcommand("embed", "Turn pictures into feature vectors");
  auto flags = std::make_shared<Flags>();
  command
      ->add_option("MODEL", flags->model,
                   "Folder with model.safetensors and config.json, or a .safetensors file")
      ->required();
  command->add_option("PATH", flags->paths, "Pictures, or folders of .jpg, .jpeg and .png")
      ->required();
  command
      ->add_option("-o,--output", flags->output,
                   "File to write, .npy, [pictures, channels], float32")
      ->required();
  command->add_option("--names", flags->names,
                      "File to write with the pictures' paths, a line each, in the same order");
  command->add_option("--batch", flags->batch, "Pictures in one run (default 8)");
  add_merge_flags(*command, flags->merge);
  add_run_flags(*command, flags->run);
  command->footer(
      "Example: fovea embed dinov2_small pictures/ -o features.npy --names names.txt --r 16");
  command->callback([flags, &status] { status = embed(*flags); });
}

}  // namespace fovea::cli
