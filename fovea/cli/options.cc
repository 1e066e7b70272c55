// The shared options: their help, and their texts turned into values.
#include "fovea/cli/options.h"

#include <unistd.h>

#include <string_view>
#include <system_error>

#include "fovea/cli/console.h"
#include "fovea/io/fail.h"
#include "fovea/model/hub.h"
#include "fovea/model/location.h"
#include "fovea/model/stored.h"

namespace fovea::cli {
namespace fs = std::filesystem;

void add_model(Command& command, std::string& model, bool is_required) {
  command
      .add_option("MODEL", model,
                  "Folder with weights (model.safetensors, shards, .pth, ...) and\n"
                  "config.json; or a file of weights; or ORG/NAME in the cache of the\n"
                  "Hugging Face hub; each with +DELTA.safetensors behind it, what\n"
                  "fine-tuning changed; or an architecture with random weights, to try:\n"
                  "(vit|deit)_(tiny|small|base|large|huge)_patch(8|14|16|32)_SIZE,\n"
                  "blvit_(base_tiny|huge_base)_patch(8|14|16|32)_SIZE, or what\n"
                  "fovea bench --list shows")
      ->type_name("")
      ->required(is_required);
}

void add_heads(Command& command, std::string& heads) {
  command
      .add_option("--num-heads", heads,
                  "Attention heads of a model of which neither config.json nor its\n"
                  "name or width tells")
      ->type_name("N");
}

void add_key(Command& command, std::string& key) {
  command
      .add_option("--key", key,
                  "Nested dict of a .pth file that holds the model: model, or a.b\n"
                  "(default: the file itself, or the first of state_dict_ema,\n"
                  "model_ema, state_dict, model, teacher, module and net)")
      ->type_name("KEY");
}

int parse_heads(const std::string& heads) {
  return heads.empty() ? 0 : parse_whole("--num-heads", heads, 1, 1024);
}

void add_run_flags(Command& command, RunFlags& flags) {
  command
      .add_option("--threads", flags.threads,
                  "Threads to compute with, at most as many as there are processors\n"
                  "for this process (default: all, or OMP_NUM_THREADS where fewer)")
      ->type_name("N");
  command
      .add_option("--dtype", flags.dtype,
                  "Number format of weights and products: f32, or bf16, which is\n"
                  "smaller and, where the processor has it, faster (default f32)")
      ->type_name("f32|bf16");
  add_heads(command, flags.heads);
  add_key(command, flags.key);
}

LoadOptions load_options(const RunFlags& flags) {
  LoadOptions options;
  if (!flags.threads.empty()) options.threads = parse_whole("--threads", flags.threads, 1, 1024);
  if (flags.dtype != "f32" && flags.dtype != "bf16") {
    fail("--dtype {}: expected f32 or bf16", printable(flags.dtype));
  }
  options.dtype = flags.dtype == "bf16" ? Dtype::bf16 : Dtype::f32;
  options.heads = parse_heads(flags.heads);
  options.key = flags.key;
  return options;
}

void add_keep_ratio(Command& command, std::string& keep_ratio) {
  command
      .add_option("--keep-ratio", keep_ratio,
                  "Share of the patches that take the big path of a big.LITTLE\n"
                  "model, above 0, to 1 (default: what config.json says, or 0.25)")
      ->type_name("X");
}

RunOptions run_options(const MergeOptions& merge, const std::string& keep_ratio) {
  RunOptions options{.merge = merge, .want_tokens = false};
  if (keep_ratio.empty()) return options;
  options.keep_ratio = parse_number("--keep-ratio", keep_ratio, 0, 1);
  if (*options.keep_ratio == 0) {
    fail("--keep-ratio {}: expected a number above 0, at most 1", printable(keep_ratio));
  }
  return options;
}

void add_size(Command& command, std::string& size) {
  command
      .add_option("--size", size,
                  "Pixels of the input: 224; or height x width: 224x384\n"
                  "(default: what the model was made for)")
      ->type_name("HxW");
}

Grid input_size(const std::string& size, const Architecture& architecture) {
  if (size.empty()) return made_for(architecture);
  const size_t x = size.find('x');
  const std::string height_text = size.substr(0, x);
  const std::string width_text = x == std::string::npos ? height_text : size.substr(x + 1);
  const int height = parse_whole("--size", height_text, 1, 8192);
  const int width = parse_whole("--size", width_text, 1, 8192);
  const Grid input(made_for(architecture).frames, height, width);
  check_input_size("--size " + size, input, architecture);
  return input;
}

Preprocessing preprocessing_of(const std::string& size, const Model& model) {
  return preprocessing_of(size, model.architecture(), model.config());
}

Preprocessing preprocessing_of(const std::string& size, const Architecture& architecture,
                               const Config& config) {
  Preprocessing spec = config.preprocessing;
  const Grid input = input_size(size, architecture);
  spec.height = input.rows;
  spec.width = input.columns;
  if (spec.assumed) {
    note(fmt::format(
        "no config beside the model says how pictures become inputs: {} x {} pixels, bicubic, crop "
        "{}, ImageNet's mean {} and deviation {} are taken",
        input.rows, input.columns, spec.crop_pct, fmt::join(spec.mean, " "),
        fmt::join(spec.std, " ")));
  }
  return spec;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool is_named(const std::string& model) {
  std::error_code ignored;  // what can't be reached is taken for a path; opening it says why
  const fs::path base = split_delta(model).base;
  if (fs::status(base, ignored).type() != fs::file_type::not_found) return false;
  try {
    named_architecture(model);
  } catch (const Error& error) {
    explain_missing(base.string());
    const std::string name = printable(model);
    std::string_view why = error.what();
    if (why.starts_with(name + ": ")) why.remove_prefix(name.size() + 2);
    fail("{}: no such file or folder, nor an architecture ({})", name, why);
  }
  return true;
}

Architecture named_model(const std::string& model, int heads, const std::string& key) {
  if (!key.empty()) {
    fail("--key {}: {} is an architecture with random weights; expected a file", printable(key),
         printable(model));
  }
  Architecture a = named_architecture(model);
  if (heads > 0 && heads != a.block.heads) {
    fail("{}: has {} heads, --num-heads is {}; expected the same", printable(model), a.block.heads,
         heads);
  }
  return a;
}

Medium medium_of(const std::string& model, const LoadOptions& options) {
  if (is_named(model)) return named_model(model, options.heads, options.key).medium;
  return open_stored(model, options.heads, options.key).architecture.medium;
}

Model load_model(const std::string& model, const LoadOptions& options) {
  if (!is_named(model)) return Model::load(model, options);
  named_model(model, options.heads, options.key);
  return Model::random(model, 0, options);
}

Model open_model(const std::string& model, const LoadOptions& options, const RunOptions& run) {
  Model opened = load_model(model, options);
  check_opened(model, opened, run);
  return opened;
}

void check_opened(const std::string& model, const Model& opened, const RunOptions& run) {
  keep_ratio_of(opened.architecture(), run.keep_ratio);  // throws where it does not fit
  check_fits(run.merge, opened.architecture());
  if (is_named(model)) note(model + " has random weights: its answers mean nothing");
  print_notes(opened);
}

void print_notes(const Model& model) {
  for (const std::string& text : model.notes()) note(text);
}

void check_can_write(const fs::path& path, const std::string& model) {
  std::error_code ignored;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (fs::is_directory(path, ignored) || !path.has_filename())
    fail("{}: expected the name of a file to write", path.string());
  if (!fs::is_directory(folder, ignored))
    fail("{}: cannot be written: there is no folder {}", path.string(), folder.string());
  const fs::file_status status = fs::status(path, ignored);
  // A regular file is written beside and renamed, so that its folder counts as well.
  const bool device = fs::exists(status) && !fs::is_regular_file(status);
  if (!device && ::access(folder.c_str(), W_OK | X_OK) != 0)
    fail("{}: cannot be written: no permission for the folder {}", path.string(), folder.string());
  if (fs::exists(status) && ::access(path.c_str(), W_OK) != 0)
    fail("{}: cannot be written: no permission", path.string());
  if (is_part_of(path, model))
    fail("{}: is part of the model {}; expected another file to write", path.string(), model);
}

}  // namespace fovea::cli
