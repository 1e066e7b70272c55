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
  std::string model, output, names, keep_ratio, size;
  bool dense = false;
  PictureFlags pictures;
  MergeFlags merge;
  RunFlags run;
};

void check_outputs(const Flags& flags) {
  check_can_write(flags.output);
  if (flags.names.empty()) return;
  check_can_write(flags.names);
  if (std::filesystem::path(flags.names).lexically_normal() ==
      std::filesystem::path(flags.output).lexically_normal()) {
    fail("--names {}: expected another file than that of --output", flags.names);
  }
}

void write_names(const std::string& file, const std::vector<std::string>& names) {
  if (file.empty()) return;
  write_atomically(file, [&](std::ostream& out) {
    for (const std::string& name : names) out << name << '\n';
  });
}

// Rows may be many times what memory holds: a feature for every patch.
class DenseOutput {
 public:
  DenseOutput(const Architecture& a, const Preprocessing& spec)
      : prefix_(a.prefix()), rows_({spec.height / a.patch[0], spec.width / a.patch[1], a.width}) {}
  void append(int64_t index, const Result& result) {
    rows_.append(dense_features(result, index, prefix_).data);
  }
  void write(const std::string& file) { rows_.write(file); }

 private:
  int prefix_;
  NpyRows rows_;
};

class FeatureOutput {
 public:
  void append(int64_t index, const Result& result) {
    const int64_t channels = result.features.shape[1];
    const float* row = result.features.data.data() + index * channels;
    features_.data.insert(features_.data.end(), row, row + channels);
    features_.shape = {static_cast<int64_t>(features_.data.size()) / channels, channels};
  }
  void write(const std::string& file) const { write_npy(file, features_); }

 private:
  Array features_;
};

template <class Output>
int embed_into(Output output, const Flags& flags, const Model& model, const Pictures& pictures,
               const Preprocessing& spec, const RunOptions& options) {
  std::vector<std::string> names;
  const int status =
      run_pictures(model, pictures, spec, options,
                   [&](const std::filesystem::path& picture, int64_t index, const Result& result) {
                     output.append(index, result);
                     names.push_back(picture.string());
                   });
  output.write(flags.output);
  write_names(flags.names, names);
  return status;
}

int embed(const Flags& flags) {
  const RunOptions options = run_options(merge_options(flags.merge), flags.keep_ratio);
  const LoadOptions load = load_options(flags.run);
  check_outputs(flags);
  const Pictures pictures = find_pictures(flags.pictures);
  const Model model = open_model(flags.model, load, options);
  const Preprocessing spec = preprocessing_of(flags.size, model);
  if (!flags.dense) return embed_into(FeatureOutput(), flags, model, pictures, spec, options);
  DenseOutput output(model.architecture(), spec);
  return embed_into<DenseOutput&>(output, flags, model, pictures, spec, options);
}

}  // namespace

void add_embed(CLI::App& program, int& status) {
  CLI::App* command = program.add_subcommand("embed", "Turn pictures into feature vectors");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  add_picture_flags(*command, flags->pictures, "PATH");
  command
      ->add_option("-o,--output", flags->output,
                   "File to write: .npy, float32, [pictures, channels]; pictures\n"
                   "that can't be read have no row")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--names", flags->names,
                   "File to write: the picture of each row, one path a line")
      ->type_name("FILE");
  command->add_flag("--dense", flags->dense,
                    "Write a feature for every patch, merged or not: [pictures, rows,\n"
                    "columns, channels]; zeros where patches were dropped");
  add_size(*command, flags->size);
  add_run_flags(*command, flags->run);
  add_keep_ratio(*command, flags->keep_ratio);
  add_merge_flags(*command, flags->merge);
  command->footer(
      "Example: every picture below a folder, 16 tokens fewer after each layer:\n"
      "  fovea embed dinov2_small/ photos/ -o features.npy --names names.txt --r 16");
  command->callback([flags, &status] { status = embed(*flags); });
}

}  // namespace fovea::cli
