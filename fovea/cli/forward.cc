// fovea forward: arrays in, arrays out.
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "fovea/backend/input.h"
#include "fovea/cli/commands.h"
#include "fovea/cli/forward_prompts.h"
#include "fovea/cli/open_segmenter.h"
#include "fovea/cli/options.h"
#include "fovea/cli/speedup.h"
#include "fovea/io/fail.h"
#include "fovea/io/npy.h"
#include "fovea/io/safetensors.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, input, output, keep_ratio, layers, prompts;
  MergeFlags merge;
  RunFlags run;
  bool unmerge = false;
  bool attention = false;
};

// [B, P, C], of a Result or a LayerResult.
template <typename Tokens>
Array unmerged(const Tokens& of, int prefix) {
  Array all;
  for (int64_t image = 0; image < of.tokens.shape[0]; ++image) {
    const Array dense = dense_features(of, image, prefix);
    all.data.insert(all.data.end(), dense.data.begin(), dense.data.end());
    all.shape = {image + 1, dense.shape[0], dense.shape[1]};
  }
  return all;
}

// Each layer once, in their order.
std::vector<int> parse_layers(const std::string& text) {
  std::set<int> layers;
  if (text.empty()) return {};
  for (const std::string& part : split(text)) {
    layers.insert(parse_whole("--layers", part, 1, 1'000'000));
  }
  return {layers.begin(), layers.end()};
}

// What the output holds, and the dense features and answers that it points into.
class Output {
 public:
  Output(const Result& result, std::vector<NamedArray> answers, const Flags& flags, int prefix)
      : answers_(std::move(answers)) {
    add("logits", result.logits);
    if (!result.embedding.empty()) add("embedding", result.embedding);
    add("features", result.features);
    add("tokens", result.tokens);
    add("sizes", result.sizes);
    add("source", result.source);
    for (const auto& [layer, positions] : result.routes) {
      add(fmt::format("routes.{}", layer), positions);
    }
    if (flags.unmerge) add("dense", dense_.emplace_back(unmerged(result, prefix)));
    if (flags.attention) add("attention", result.attention);
    for (const auto& [number, layer] : result.layers) {
      const auto name = [layer_number = number](const char* what) {
        return fmt::format("{}.{}", what, layer_number);
      };
      add(name("layers"), layer.tokens);
      add(name("sizes"), layer.sizes);
      add(name("source"), layer.source);
      if (flags.unmerge) add(name("dense"), dense_.emplace_back(unmerged(layer, prefix)));
      if (flags.attention) add(name("attention"), layer.attention);
    }
    for (const NamedArray& answer : answers_) add(answer.name, answer.values);
  }

  void write(const std::string& path) const { write_safetensors(path, tensors_); }

 private:
  template <typename Values>
  void add(const std::string& name, const Values& values) {
    tensors_.push_back(to_write(name, values));
  }

  std::vector<NamedArray> answers_;
  std::deque<Array> dense_;  // a list that grows without moving what it holds
  std::vector<TensorToWrite> tensors_;
};

// What isn't a batch of inputs Model::run refuses.
void resolve_speedup_for(const Array& input, const Flags& flags, const Model& model,
                         RunOptions& options) {
  const Architecture& a = model.architecture();
  if (flags.merge.speedup.empty() || input.shape.size() != input_shape(a, 1, {}).size()) return;
  const Grid size = input_of(input).grid;
  check_input_size(input_text(a).what + " are " + to_string(input.shape), size, a);
  resolve_speedup(flags.merge, flags.model, a, size, options);
}

int forward(const Flags& flags) {
  RunOptions options = run_options(merge_options(flags.merge), flags.keep_ratio);
  options.want_tokens = true;
  options.layers = parse_layers(flags.layers);
  options.want_attention = flags.attention;
  const LoadOptions load = load_options(flags.run);
  check_can_write(flags.output, flags.model);
  std::error_code ignored;  // what isn't there yet is no input
  if (std::filesystem::equivalent(flags.output, flags.input, ignored)) {
    fail("--output {}: is the input itself; expected another file", printable(flags.output));
  }
  const Array input = read_npy(flags.input);
  const std::vector<FilePrompt> prompts =
      flags.prompts.empty() ? std::vector<FilePrompt>() : read_prompts(flags.prompts);
  std::optional<Segmenter> segmenter;
  if (!prompts.empty()) segmenter = open_segmenter(flags.model, load, options);
  const Model model = segmenter ? segmenter->encoder() : open_model(flags.model, load, options);
  Result result;
  try {
    resolve_speedup_for(input, flags, model, options);
    result = model.run(input, options);
  } catch (const Error& error) {
    fail("{}: {}", flags.input, error.what());
  }
  std::vector<NamedArray> answers;
  try {
    if (segmenter) answers = forward_prompts(*segmenter, input, result, prompts);
  } catch (const Error& error) {
    fail("{}: {}", printable(flags.prompts), error.what());
  }
  Output(result, std::move(answers), flags, model.architecture().prefix()).write(flags.output);
  return kDone;
}

}  // namespace

void add_forward(Command& program, int& status) {
  Command* command =
      program.add_subcommand("forward", "Run a model on an array of normalised inputs");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  command
      ->add_option("--input", flags->input,
                   "Normalised images: .npy, float32, [batch, 3, height, width];\n"
                   "of a model of videos [batch, 3, frames, height, width], of sound\n"
                   "[batch, frames, mel bins]")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("-o,--output", flags->output,
                   "File to write, .safetensors: logits, features, tokens, sizes\n"
                   "(input tokens in each token), source (the token that each\n"
                   "input token ended in); of a big.LITTLE model also routes.L (the\n"
                   "positions that take the big path after layer L, counted from 1),\n"
                   "of Segment Anything embedding, [batch, channels, rows, columns]")
      ->type_name("FILE")
      ->required();
  command->add_flag("--unmerge", flags->unmerge,
                    "Write dense as well: a feature for every patch, merged or not,\n"
                    "[batch, patches, channels]; zeros where patches were dropped");
  command
      ->add_option("--layers", flags->layers,
                   "Write what leaves these layers as well, counted from 1, before\n"
                   "any norm: 3,6 adds layers.3, sizes.3, source.3 (and dense.3 with\n"
                   "--unmerge), and the same of 6")
      ->type_name("N,N");
  command->add_flag("--attention", flags->attention,
                    "Write attention as well, [batch, heads, tokens]: how much the\n"
                    "class token attends to each token that the last layer saw; and\n"
                    "attention.3 of each layer of --layers");
  command
      ->add_option("--prompts", flags->prompts,
                   "Write what Segment Anything answers to the prompts of this file\n"
                   "(see fovea segment), in pixels of the input: NAME.low_res_masks,\n"
                   "[batch, masks, side/4, side/4], and NAME.iou, [batch, masks]")
      ->type_name("FILE");
  add_run_flags(*command, flags->run);
  add_keep_ratio(*command, flags->keep_ratio);
  add_merge_flags(*command, flags->merge);
  command->footer(
      "Example: 13 tokens fewer after each layer:\n"
      "  fovea forward deit_small/ --input images.npy --output out.safetensors --r 13\n"
      "What leaves layers 3 and 6, and what the class token looks at:\n"
      "  fovea forward deit_small/ --input images.npy --output out.safetensors --layers 3,6 \\\n"
      "    --attention");
  command->callback([flags, &status] { status = forward(*flags); });
}

}  // namespace fovea::cli
