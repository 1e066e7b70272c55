// fovea embed: pictures in, one feature vector each out.
#include <memory>
#include <optional>
#include <ostream>
#include <span>

#include "fovea/cli/commands.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/run_together.h"
#include "fovea/io/fail.h"
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
  check_can_write(flags.output, flags.model);
  if (flags.names.empty()) return;
  check_can_write(flags.names, flags.model);
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

// What a command line asks for, ready to run.
struct Task {
  RunOptions options;
  Pictures pictures;
  Model model;
  Preprocessing spec;
};

Task task_of(const Flags& flags, const Processes& processes) {
  RunOptions options = run_options(merge_options(flags.merge), flags.keep_ratio);
  options.want_tokens = flags.dense;
  LoadOptions load = load_options(flags.run);
  if (load.threads == 0) load.threads = processes.processors();
  check_outputs(flags);
  Pictures pictures = find_pictures(flags.pictures, processes);
  Model model = open_model(flags.model, load, options);
  const Preprocessing spec = preprocessing_of(flags.size, model);
  return {options, std::move(pictures), std::move(model), spec};
}

Shape shape_of_row(const Task& task, bool dense) {
  const Architecture& a = task.model.architecture();
  if (!dense) return {a.features()};
  return {task.spec.height / a.patch[0], task.spec.width / a.patch[1], a.width};
}

// Brings the rows and names of all processes to the first one.
void collect(const Processes& processes, NpyRows& rows, std::vector<std::string>& names) {
  using Bytes = std::span<const std::byte>;
  processes.collect(
      [&](const Processes::Give& give) {
        rows.read([&](std::span<const float> row) { give(std::as_bytes(row)); });
      },
      [&](Bytes piece) {
        rows.append({reinterpret_cast<const float*>(piece.data()), piece.size() / sizeof(float)});
      });
  processes.collect(
      [&](const Processes::Give& give) {
        for (const std::string& name : names) give(std::as_bytes(std::span(name)));
      },
      [&](Bytes piece) {
        names.emplace_back(reinterpret_cast<const char*>(piece.data()), piece.size());
      });
}

int embed(const Flags& flags, const Processes& processes) {
  std::optional<Task> task;
  processes.together([&] { task.emplace(task_of(flags, processes)); });
  const int prefix = task->model.architecture().prefix();
  NpyRows rows(shape_of_row(*task, flags.dense));
  std::vector<std::string> names;
  const int status = run_pictures(
      task->model, task->pictures, task->spec, task->options,
      [&](const std::filesystem::path& picture, int64_t index, const Result& result) {
        const int64_t channels = result.features.shape[1];
        if (flags.dense) {
          rows.append(dense_features(result, index, prefix).data);
        } else {
          rows.append(std::span(result.features.data).subspan(index * channels, channels));
        }
        names.push_back(picture.string());
      },
      processes);
  collect(processes, rows, names);
  if (!processes.is_first()) return status;
  rows.write(flags.output);
  write_names(flags.names, names);
  return status;
}

}  // namespace

void add_embed(Command& program, int& status) {
  Command* command = program.add_subcommand("embed", "Turn pictures into feature vectors");
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
  command->callback([flags, &status] {
    status = run_together([&](const Processes& processes) { return embed(*flags, processes); });
  });
}

}  // namespace fovea::cli
