// fovea forward: arrays in, arrays out.
#include <memory>

#include "fovea/cli/commands.h"
#include "fovea/cli/options.h"
#include "fovea/cli/speedup.h"
#include "fovea/io/fail.h"
#include "fovea/io/npy.h"
#include "fovea/io/safetensors.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, input, output, keep_ratio;
  MergeFlags merge;
  RunFlags run;
  bool unmerge = false;
};

// [B, P, C]
Array unmerged(const Result& result, int prefix) {
  Array all;
  for (int64_t image = 0; image < result.tokens.shape[0]; ++image) {
    const Array dense = dense_features(result, image, prefix);
    all.data.insert(all.data.end(), dense.data.begin(), dense.data.end());
    all.shape = {image + 1, dense.shape[0], dense.shape[1]};
  }
  return all;
}

// What isn't a batch of images Model::run refuses.
void resolve_speedup_for(const Array& input, const Flags& flags, const Model& model,
                         RunOptions& options) {
  const Shape& s = input.shape;
  if (flags.merge.speedup.empty() || s.size() != 4) return;
  check_input_size("images are " + to_string(s), s[2], s[3], model.architecture());
  resolve_speedup(flags.merge, flags.model, model.architecture(),
                  {static_cast<int>(s[2]), static_cast<int>(s[3])}, options);
}

int forward(const Flags& flags) {
  RunOptions options = run_options(merge_options(flags.merge), flags.keep_ratio);
  options.want_tokens = true;
  const LoadOptions load = load_options(flags.run);
  check_can_write(flags.output, flags.model);
  std::error_code ignored;  // what isn't there yet is no input
  if (std::filesystem::equivalent(flags.output, flags.input, ignored)) {
    fail("--output {}: is the input itself; expected another file", printable(flags.output));
  }
  const Array input = read_npy(flags.input);
  const Model model = open_model(flags.model, load, options);
  Result result;
  try {
    resolve_speedup_for(input, flags, model, options);
    result = model.run(input, options);
  } catch (const Error& error) {
    fail("{}: {}", flags.input, error.what());
  }
  std::vector<TensorToWrite> tensors = {
      to_write("logits", result.logits), to_write("features", result.features),
      to_write("tokens", result.tokens), to_write("sizes", result.sizes),
      to_write("source", result.source)};
  for (const auto& [layer, positions] : result.routes) {
    tensors.push_back(to_write(fmt::format("routes.{}", layer), positions));
  }
  Array dense;
  if (flags.unmerge) {
    dense = unmerged(result, model.architecture().prefix());
    tensors.push_back(to_write("dense", dense));
  }
  write_safetensors(flags.output, tensors);
  return kDone;
}

}  // namespace

void add_forward(Command& program, int& status) {
  Command* command =
      program.add_subcommand("forward", "Run a model on an array of normalised images");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  command
      ->add_option("--input", flags->input,
                   "Normalised images: .npy, float32, [batch, 3, height, width]")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("-o,--output", flags->output,
                   "File to write, .safetensors: logits, features, tokens, sizes\n"
                   "(input tokens in each token), source (the token that each\n"
                   "input token ended in); of a big.LITTLE model also routes.L (the\n"
                   "positions that take the big path after layer L, counted from 1)")
      ->type_name("FILE")
      ->required();
  command->add_flag("--unmerge", flags->unmerge,
                    "Write dense as well: a feature for every patch, merged or not,\n"
                    "[batch, patches, channels]; zeros where patches were dropped");
  add_run_flags(*command, flags->run);
  add_keep_ratio(*command, flags->keep_ratio);
  add_merge_flags(*command, flags->merge);
  command->footer(
      "Example: 13 tokens fewer after each layer:\n"
      "  fovea forward deit_small/ --input images.npy --output out.safetensors --r 13");
  command->callback([flags, &status] { status = forward(*flags); });
}

}  // namespace fovea::cli
