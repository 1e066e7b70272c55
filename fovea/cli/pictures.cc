// Finding and reading files, and going on past those that can't be read.
#include "fovea/cli/pictures.h"

#include <algorithm>
#include <map>
#include <optional>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/options.h"
#include "fovea/cli/path_lists.h"
#include "fovea/data/folder.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

// Where there is only one thing to read, its failure is the whole story, in one line.
void skip(const std::string& message, size_t of) {
  if (of == 1) throw Error(message);
  complain("skipped: " + message);
}

// Of `others` files beside these some, `skipped`, could not be read before.
int read_all(const std::shared_ptr<const MediaSource>& source, size_t skipped, size_t others,
             int batch_size, const InputSpec& spec, int threads, Progress& progress,
             const TakeBatch& take, const Processes& processes) {
  const int64_t count = source->size();
  // Reading takes a fraction of the arithmetic: half as many threads keep ahead of it.
  InputLoader loader(source, spec, processes.share_of(count), batch_size, std::max(1, threads / 2));
  int64_t failed = 0;
  std::map<std::string, int64_t> missing;  // files of formats that lack a library, by reason
  while (std::optional<InputBatch> batch = loader.next()) {
    if (!batch->failures.empty()) progress.clear();
    for (const InputBatch::Failure& failure : batch->failures) {
      ++failed;
      if (failure.missing_library.empty() || count + others == 1) {
        skip(failure.message, count + others);
      } else {
        ++missing[failure.missing_library];
      }
    }
    if (!batch->parts.empty() && !take(*batch)) break;
    progress.advance(batch->failures.size());
  }
  progress.clear();
  for (const auto& [reason, files] : missing) {
    complain(fmt::format("skipped: {} {}: {}", files,
                         files == 1 ? one_of(spec.medium) : many_of(spec.medium), reason));
  }
  processes.sum({&failed});
  processes.together([&] {
    if (failed == count && skipped == others) {
      fail("none of {} {} could be read", count + others, many_of(spec.medium));
    }
  });
  return failed + skipped == 0 ? kDone : kSomeSkipped;
}

}  // namespace

void add_picture_paths(Command& command, PictureFlags& flags, const std::string& name,
                       bool is_required) {
  command
      .add_option(name, flags.paths,
                  "Pictures, and folders: every .jpg, .jpeg, .png, .webp, .tif, .tiff,\n"
                  ".heic, .heif and .avif in them, however deep, but for what is\n"
                  "hidden; - takes paths from standard input, @FILE from a file, one\n"
                  "a line. Of animations and several pages the first picture. For a\n"
                  "model of videos what FFmpeg reads, and folders that hold pictures\n"
                  "and no video; for one of sound WAV, FLAC, Ogg, MP3, m4a, and the\n"
                  "sound of videos")
      ->type_name("")
      ->required(is_required);
  add_read_flags(command, flags.read);
}

void add_picture_flags(Command& command, PictureFlags& flags, const std::string& name) {
  add_picture_paths(command, flags, name);
  command
      .add_option("--batch", flags.batch,
                  "Pictures, clips or windows to compute at once (default 8)")
      ->type_name("N");
}

Pictures find_pictures(const PictureFlags& flags, const Processes& processes, Medium medium) {
  Pictures pictures;
  pictures.batch = parse_whole("--batch", flags.batch, 1, 4096);
  pictures.read = read_options(flags.read);
  pictures.medium = medium;
  const std::vector<std::string> paths = listed_paths(flags.paths);
  LeftOut left_out;
  for (const std::string& path : paths) {
    try {
      const std::vector<std::filesystem::path> found = list_media({path}, medium, left_out);
      pictures.paths.insert(pictures.paths.end(), found.begin(), found.end());
    } catch (const Error& error) {
      if (paths.size() == 1 || processes.is_first()) skip(error.what(), paths.size());
      ++pictures.skipped;
    }
  }
  if (pictures.paths.empty()) fail("none of {} paths could be read", paths.size());
  if (processes.is_first()) note_left_out(left_out);
  return pictures;
}

void note_left_out(const LeftOut& left_out, const std::string& of) {
  const std::string text = to_string(left_out);
  if (!text.empty()) note((of.empty() ? "left out: " : "left out of " + of + ": ") + text);
}

int read_files(const std::shared_ptr<const MediaSource>& source, int batch, const InputSpec& spec,
               int threads, Progress& progress, const TakeBatch& take, const Processes& processes) {
  return read_all(source, 0, 0, batch, spec, threads, progress, take, processes);
}

int read_files(const Pictures& files, const InputSpec& spec, int threads, Progress& progress,
               const TakeBatch& take, const Processes& processes) {
  const auto source = std::make_shared<MediaFiles>(files.paths, files.read);
  const int status = read_all(source, files.skipped, files.skipped + files.done, files.batch, spec,
                              threads, progress, take, processes);
  tell_counts(files.read, processes);
  return status;
}

int run_pictures(const Model& model, const Pictures& pictures, const Preprocessing& spec,
                 const RunOptions& options, const TakeResult& take) {
  Progress progress(pictures.paths.size());
  const InputSpec inputs = {.pictures = spec};
  return read_files(pictures, inputs, model.threads(), progress, [&](const InputBatch& batch) {
    const Result result = model.run(batch.inputs, options);
    progress.clear();  // results may go to the same terminal
    for (size_t i = 0; i < batch.parts.size(); ++i) {
      take(pictures.paths[batch.parts[i].file], static_cast<int64_t>(i), result);
    }
    flush_output();
    progress.advance(batch.files());
    return true;
  });
}

}  // namespace fovea::cli
