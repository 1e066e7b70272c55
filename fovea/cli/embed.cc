// fovea embed: pictures, videos or sound in, feature vectors out.
#include <memory>
#include <optional>
#include <span>

#include "fovea/cli/by_file.h"
#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/feature_rows.h"
#include "fovea/cli/input_flags.h"
#include "fovea/cli/interrupt.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/progress.h"
#include "fovea/cli/run_together.h"
#include "fovea/cli/speedup.h"
#include "fovea/cli/vector_mean.h"
#include "fovea/data/folder.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

struct Flags {
  std::string model, keep_ratio;
  std::string output, names, names0;
  std::string dtype = "f32";
  std::string per;
  InputFlags input;
  bool dense = false;
  bool normalize = false;
  bool resume = false;
  PictureFlags pictures;
  MergeFlags merge;
  RunFlags run;
};

// Whether clips or windows have a row each.
bool is_per_part(const Flags& flags) { return flags.per == "clip" || flags.per == "window"; }

// Throws Error where --per is of another medium, or dense features would have to be averaged.
void check_rows(const Flags& flags, const InputSpec& spec) {
  if (spec.medium == Medium::picture) {
    if (flags.per.empty()) return;
    fail("--per {}: {} is a model of pictures, which have a row each", printable(flags.per),
         printable(flags.model));
  }
  const char* const part = spec.medium == Medium::video ? "clip" : "window";
  const char* const whole = one_of(spec.medium);
  if (!flags.per.empty() && flags.per != part && flags.per != whole) {
    fail("--per {}: expected {} or {} of {}", printable(flags.per), whole, part,
         printable(flags.model));
  }
  if (!flags.dense) return;
  if (spec.crops > 1) {
    fail("--dense: does not go with --crops {}, whose patches are of different places", spec.crops);
  }
  if (flags.per != part && (spec.medium == Medium::sound || spec.clips > 1)) {
    fail("--dense: patches of several {}s have no mean; expected --per {}", part, part);
  }
}

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
  FeatureFiles files = {flags.output, raw ? flags.names0 : flags.names, raw, storage_of(flags),
                        is_per_part(flags)};
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

void check_names_fit(const FeatureFiles& files, const Paths& paths) {
  std::vector<std::string> names;
  for (const std::filesystem::path& path : paths) names.push_back(path.string());
  check_names_fit(files.output, files.storage.format, names);
}

// What a command line asks for, ready to run.
struct Task {
  FeatureFiles files;
  RunOptions options;
  Pictures pictures;
  std::vector<RowKey> done;  // rows that an earlier run has written
  Model model;
  InputSpec spec;
};

Task task_of(const Flags& flags, const Processes& processes) {
  RunOptions options = run_options(merge_options(flags.merge), flags.keep_ratio);
  options.want_tokens = flags.dense;
  LoadOptions load = load_options(flags.run);
  if (load.threads == 0) load.threads = processes.processors();
  const FeatureFiles files = files_of(flags);
  Pictures pictures = find_pictures(flags.pictures, processes, medium_of(flags.model, load));
  check_names_fit(files, pictures.paths);
  std::vector<RowKey> done;
  if (flags.resume) done = done_before(files, pictures.paths);
  Model model = open_model(flags.model, load, options);
  const InputSpec spec = input_spec_of(flags.input, flags.model, model);
  check_rows(flags, spec);
  resolve_speedup(flags.merge, flags.model, model.architecture(), spec.size(), options);
  return {files, options, std::move(pictures), std::move(done), std::move(model), spec};
}

Shape shape_of_row(const Task& task, bool dense) {
  const Architecture& a = task.model.architecture();
  if (!dense) return {a.features()};
  const Grid grid = a.patches_of(task.spec.size());
  if (a.medium == Medium::video) return {grid.frames, grid.rows, grid.columns, a.width};
  return {grid.rows, grid.columns, a.width};
}

// The files that are still to be read, with their numbers among all.
struct Left {
  Pictures pictures;
  std::vector<size_t> numbers;
};

Left left_of(const Task& task) {
  Left left = {task.pictures, {}};
  left.pictures.paths.clear();
  auto done = task.done.begin();
  for (size_t number = 0; number < task.pictures.paths.size(); ++number) {
    const bool is_done = done != task.done.end() && done->file == number;
    while (done != task.done.end() && done->file == number) ++done;
    if (is_done) {
      ++left.pictures.done;
    } else {
      left.pictures.paths.push_back(task.pictures.paths[number]);
      left.numbers.push_back(number);
    }
  }
  return left;
}

// Rows of a file: means over the inputs that they are of.
class FileRows {
 public:
  // `row`: of the file, or of its part; what it is the mean of may come in any number of pieces.
  void add(size_t row, std::span<const float> values) {
    if (row == means_.size()) means_.emplace_back();
    means_[row].add(values);
  }

  void write(size_t number, FeatureRows& rows) const {
    for (size_t part = 0; part < means_.size(); ++part) {
      rows.add({number, part}, means_[part].mean<float>());
    }
  }

 private:
  std::vector<VectorMean> means_;
};

// Rows of all files that are left; returns the exit status. Ends early where the user says so.
int compute(const Task& task, bool dense, const Processes& processes, const Interrupt& interrupt,
            FeatureRows& rows) {
  const Left left = left_of(task);
  const int prefix = task.model.architecture().prefix();
  Progress progress(left.pictures.paths.size(), processes);
  ByFile<FileRows> by_file;
  return read_files(
      left.pictures, task.spec, task.model.threads(), progress,
      [&](const InputBatch& batch) {
        const Result result = task.model.run(batch.inputs, task.options);
        const auto add = [&](FileRows& of_file, const InputBatch::Part& part, int64_t i) {
          // A clip's crops come one behind the other.
          const size_t row = task.files.parts ? part.number / task.spec.crops : 0;
          if (dense) return of_file.add(row, dense_features(result, i, prefix).data);
          const int64_t channels = result.features.shape[1];
          of_file.add(row, std::span(result.features.data).subspan(i * channels, channels));
        };
        by_file.take(batch, add, [&](size_t file, const FileRows& of_file) {
          of_file.write(left.numbers[file], rows);
        });
        progress.advance(batch.files());
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

void say_interrupted(size_t files, const Task& task) {
  const Medium medium = task.spec.medium;
  if (files == 0) {
    return complain(
        fmt::format("interrupted: nothing is written, as no {} was done yet", one_of(medium)));
  }
  complain(fmt::format("interrupted: what is written covers {} of {} {}{}", files,
                       task.pictures.paths.size(), many_of(medium),
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
  if (interrupted) say_interrupted(rows->files(), *task);
  return status;
}

}  // namespace

void add_embed(Command& program, int& status) {
  Command* command =
      program.add_subcommand("embed", "Turn pictures, videos or sound into feature vectors");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  add_picture_flags(*command, flags->pictures, "PATH");
  command
      ->add_option("-o,--output", flags->output,
                   "File to write, a row for each file that can be read: .npy,\n"
                   "[files, channels]; .safetensors, the tensor features, with the\n"
                   "names as a JSON list in the metadata; or .csv, file,0,1,... in the\n"
                   "first line, with nine digits, which tell every float apart")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--names", flags->names,
                   "File to write: the file of each row, one path a line; \\n, \\r\n"
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
                    "Write a feature for every patch, merged or not: [files, rows,\n"
                    "columns, channels], of videos [files, frames, rows, columns,\n"
                    "channels]; zeros where patches were dropped. Not in .csv");
  command
      ->add_option("--per", flags->per,
                   "video (default): of a video the mean over its clips and their\n"
                   "crops; clip: a row for each clip, whose names end in #0, #1, ...\n"
                   "Of sound likewise: sound (default) or window")
      ->type_name("WHAT")
      ->group("Videos and sound");
  add_input_flags(*command, flags->input);
  add_run_flags(*command, flags->run);
  add_keep_ratio(*command, flags->keep_ratio);
  add_merge_flags(*command, flags->merge);
  command->footer(
      "Ctrl-C ends it with the rows so far, exit status 1; --resume goes on.\n\n"
      "Example: every picture below a folder, 16 tokens fewer after each layer:\n"
      "  fovea embed dinov2_small/ photos/ -o features.npy --names names.txt --r 16\n"
      "And a vector for each of five clips of every video:\n"
      "  fovea embed videomae-base/ films/ -o features.npy --names names.txt --clips 5 --per clip");
  command->callback([flags, &status] {
    status = run_together([&](const Processes& processes) { return embed(*flags, processes); });
  });
}

}  // namespace fovea::cli
