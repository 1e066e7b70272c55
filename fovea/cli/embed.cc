// fovea embed: pictures in, one feature vector each out.
#include <memory>
#include <optional>
#include <span>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/feature_rows.h"
#include "fovea/cli/interrupt.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/progress.h"
#include "fovea/cli/run_together.h"
#include "fovea/cli/speedup.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, keep_ratio, size;
  std::string output, names, names0;
  std::string dtype = "f32";
  bool dense = false;
  bool normalize = false;
  bool resume = false;
  PictureFlags pictures;
  MergeFlags merge;
  RunFlags run;
};

RowStorage storage_of(const Flags& flags) {
  const RowFormat format = row_format_of(flags.output);
  if (flags.dtype != "f32" && flags.dtype != "f16") {
    fail("--output-dtype {}: expected f32 or f16", printable(flags.dtype));
  }
  const bool half = flags.dtype == "f16";
  if (format == RowFormat::csv && half) {
    fail("--output-dtype f16: expected f32 for {}, whose numbers are text", flags.output);
  }
  if (format == RowFormat::csv && flags.dense) {
    fail(
        "--dense: does not go with {}, which has one line of numbers for a picture; expected .npy "
        "or .safetensors",
        flags.output);
  }
  return {format, half};
}

FeatureFiles files_of(const Flags& flags) {
  if (!flags.names.empty() && !flags.names0.empty()) {
    fail("--names0 {}: does not go with --names; expected one of them", flags.names0);
  }
  check_can_write(flags.output, flags.model);
  const bool raw = !flags.names0.empty();
  FeatureFiles files = {flags.output, raw ? flags.names0 : flags.names, raw, storage_of(flags)};
  if (flags.resume && files.names.empty()) {
    fail("--resume: expected --names FILE as well, which says what is done");
  }
  if (files.names.empty()) return files;
  check_can_write(files.names, flags.model);
  if (std::filesystem::path(files.names).lexically_normal() ==
      std::filesystem::path(files.output).lexically_normal()) {
    fail("--{} {}: expected another file than that of --output", raw ? "names0" : "names",
         files.names);
  }
  return files;
}

void check_names_fit(const FeatureFiles& files, const Paths& pictures) {
  std::vector<std::string> names;
  for (const std::filesystem::path& picture : pictures) names.push_back(picture.string());
  check_names_fit(files.output, files.storage.format, names);
}

// What a command line asks for, ready to run.
struct Task {
  FeatureFiles files;
  RunOptions options;
  Pictures pictures;
  std::vector<size_t> done;  // numbers of the pictures that an earlier run has written
  Model model;
  Preprocessing spec;
};

Task task_of(const Flags& flags, const Processes& processes) {
  RunOptions options = run_options(merge_options(flags.merge), flags.keep_ratio);
  options.want_tokens = flags.dense;
  LoadOptions load = load_options(flags.run);
  if (load.threads == 0) load.threads = processes.processors();
  const FeatureFiles files = files_of(flags);
  Pictures pictures = find_pictures(flags.pictures, processes);
  check_names_fit(files, pictures.paths);
  std::vector<size_t> done;
  if (flags.resume) done = done_before(files, pictures.paths);
  Model model = open_model(flags.model, load, options);
  const Preprocessing spec = preprocessing_of(flags.size, model);
  resolve_speedup(flags.merge, flags.model, model.architecture(), {spec.height, spec.width},
                  options);
  return {files, options, std::move(pictures), std::move(done), std::move(model), spec};
}

Shape shape_of_row(const Task& task, bool dense) {
  const Architecture& a = task.model.architecture();
  if (!dense) return {a.features()};
  const Grid grid = a.patches_of({task.spec.height, task.spec.width});
  return {grid.rows, grid.columns, a.width};
}

// The pictures that are still to be read, with their numbers among all.
struct Left {
  Pictures pictures;
  std::vector<size_t> numbers;
};

Left left_of(const Task& task) {
  const Paths& all = task.pictures.paths;
  Left left = {
      {{}, task.pictures.skipped, task.pictures.batch, task.done.size(), task.pictures.read}, {}};
  auto done = task.done.begin();
  for (size_t number = 0; number < all.size(); ++number) {
    if (done != task.done.end() && *done == number) {
      ++done;
    } else {
      left.pictures.paths.push_back(all[number]);
      left.numbers.push_back(number);
    }
  }
  return left;
}

// Rows of all pictures that are left; returns the exit status. Ends early where the user says so.
int compute(const Task& task, bool dense, const Processes& processes, const Interrupt& interrupt,
            FeatureRows& rows) {
  const Left left = left_of(task);
  const int prefix = task.model.architecture().prefix();
  Progress progress(left.pictures.paths.size(), processes);
  return read_pictures(
      left.pictures, task.spec, task.model.threads(), progress,
      [&](const PictureBatch& batch) {
        const Result result = task.model.run(batch.images, task.options);
        const int64_t channels = result.features.shape[1];
        for (size_t i = 0; i < batch.indices.size(); ++i) {
          const size_t number = left.numbers[batch.indices[i]];
          if (dense) {
            rows.add(number, dense_features(result, static_cast<int64_t>(i), prefix).data);
          } else {
            const auto row = result.features.data.begin() + static_cast<int64_t>(i) * channels;
            rows.add(number, {row, row + channels});
          }
        }
        progress.advance(batch.indices.size());
        return !interrupt.happened();
      },
      processes);
}

// Whether any of the processes was told to end.
bool happened_to_any(const Interrupt& interrupt, const Processes& processes) {
  int64_t count = interrupt.happened() ? 1 : 0;
  processes.sum({&count});
  return count > 0;
}

void say_interrupted(size_t rows, const Task& task) {
  if (rows == 0) return complain("interrupted: nothing is written, as no picture was done yet");
  complain(fmt::format("interrupted: what is written covers {} of {} pictures{}", rows,
                       task.pictures.paths.size(),
                       task.files.names.empty() ? "" : "; --resume goes on from here"));
}

int embed(const Flags& flags, const Processes& processes) {
  std::optional<Task> task;
  std::optional<FeatureRows> rows;
  processes.together([&] {
    task.emplace(task_of(flags, processes));
    rows.emplace(shape_of_row(*task, flags.dense), flags.normalize, task->files.storage.half);
    if (!task->done.empty() && processes.is_first()) {
      rows->add_file(task->files, task->pictures.paths, task->done);
    }
  });
  const Interrupt interrupt;
  int status = compute(*task, flags.dense, processes, interrupt, *rows);
  rows->collect(processes);
  const bool interrupted = happened_to_any(interrupt, processes);
  if (interrupted) status = kSomeSkipped;
  if (!processes.is_first()) return status;
  if (rows->count() > 0 || !interrupted) rows->write(task->files, task->pictures.paths);
  if (interrupted) say_interrupted(rows->count(), *task);
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
                   "File to write, a row for each picture that can be read: .npy,\n"
                   "[pictures, channels]; .safetensors, the tensor features, with the\n"
                   "names as a JSON list in the metadata; or .csv, file,0,1,... in the\n"
                   "first line, with nine digits, which tell every float apart")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--names", flags->names,
                   "File to write: the picture of each row, one path a line; \\n, \\r\n"
                   "and \\\\ stand for newline, return and backslash in it")
      ->type_name("FILE");
  command
      ->add_option("--names0", flags->names0,
                   "Instead: the paths as they are, with a NUL after each")
      ->type_name("FILE");
  command
      ->add_option("--output-dtype", flags->dtype,
                   "How numbers are stored: f32 (default) or f16; not in .csv")
      ->type_name("f32|f16");
  command->add_flag("--normalize", flags->normalize, "Scale every feature vector to length 1");
  command->add_flag("--resume", flags->resume,
                    "Go on with the files of a run that was interrupted: the rows that\n"
                    "are there stay. Needs --names or --names0, and the same options as\n"
                    "before");
  command->add_flag("--dense", flags->dense,
                    "Write a feature for every patch, merged or not: [pictures, rows,\n"
                    "columns, channels]; zeros where patches were dropped. Not in .csv");
  add_size(*command, flags->size);
  add_run_flags(*command, flags->run);
  add_keep_ratio(*command, flags->keep_ratio);
  add_merge_flags(*command, flags->merge);
  command->footer(
      "Ctrl-C ends it with the rows so far, exit status 1; --resume goes on.\n\n"
      "Example: every picture below a folder, 16 tokens fewer after each layer:\n"
      "  fovea embed dinov2_small/ photos/ -o features.npy --names names.txt --r 16");
  command->callback([flags, &status] {
    status = run_together([&](const Processes& processes) { return embed(*flags, processes); });
  });
}

}  // namespace fovea::cli
