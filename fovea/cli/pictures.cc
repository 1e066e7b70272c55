// Finding, decoding and running pictures, and going on past those that can't be read.
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

void run_batch(const Model& model, const PictureBatch& batch, const Pictures& pictures,
               const RunOptions& options, Progress& progress, const TakeResult& take) {
  const Result result = model.run(batch.images, options);
  progress.clear();  // results may go to the same terminal
  for (size_t i = 0; i < batch.indices.size(); ++i) {
    take(pictures.paths[batch.indices[i]], static_cast<int64_t>(i), result);
  }
  flush_output();
}

// The pictures of a source from `begin` up to `end`.
class PictureRange : public PictureSource {
 public:
  PictureRange(std::shared_ptr<const PictureSource> source, int64_t begin, int64_t end)
      : source_(std::move(source)), begin_(begin), end_(end) {}
  int64_t size() const override { return end_ - begin_; }
  std::string name(int64_t i) const override { return source_->name(begin_ + i); }
  Image read(int64_t i) const override { return source_->read(begin_ + i); }

 private:
  std::shared_ptr<const PictureSource> source_;
  int64_t begin_, end_;
};

// Of `others` pictures beside these some, `skipped`, could not be read before.
int read_all(const std::shared_ptr<const PictureSource>& source, size_t skipped, size_t others,
             int batch_size, const Preprocessing& preprocessing, int threads, Progress& progress,
             const TakeBatch& take, const Processes& processes) {
  const int64_t count = source->size();
  const auto [begin, end] = processes.share_of(count);
  // Decoding takes a fraction of the arithmetic: half as many threads keep ahead of it.
  PictureLoader loader(std::make_shared<PictureRange>(source, begin, end), preprocessing,
                       batch_size, std::max(1, threads / 2));
  int64_t failed = 0;
  std::map<std::string, int64_t> missing;  // pictures of formats that lack a library, by reason
  while (std::optional<PictureBatch> batch = loader.next()) {
    for (size_t& index : batch->indices) index += begin;
    if (!batch->failures.empty()) progress.clear();
    for (const PictureBatch::Failure& failure : batch->failures) {
      ++failed;
      if (failure.missing_library.empty() || count + others == 1) {
        skip(failure.message, count + others);
      } else {
        ++missing[failure.missing_library];
      }
    }
    if (!batch->indices.empty() && !take(*batch)) break;
    progress.advance(batch->failures.size());
  }
  progress.clear();
  for (const auto& [reason, pictures] : missing) {
    complain(fmt::format("skipped: {} picture{}: {}", pictures, pictures == 1 ? "" : "s", reason));
  }
  processes.sum({&failed});
  processes.together([&] {
    if (failed == count && skipped == others) {
      fail("none of {} pictures could be read", count + others);
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
                  "a line. Of animations and several pages the first picture")
      ->type_name("")
      ->required(is_required);
  add_read_flags(command, flags.read);
}

void add_picture_flags(Command& command, PictureFlags& flags, const std::string& name) {
  add_picture_paths(command, flags, name);
  command.add_option("--batch", flags.batch, "Pictures to compute at once (default 8)")
      ->type_name("N");
}

Pictures find_pictures(const PictureFlags& flags, const Processes& processes, Medium medium) {
  Pictures pictures;
  pictures.batch = parse_whole("--batch", flags.batch, 1, 4096);
  pictures.read = read_options(flags.read);
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

int read_pictures(const std::shared_ptr<const PictureSource>& source, int batch,
                  const Preprocessing& preprocessing, int threads, Progress& progress,
                  const TakeBatch& take, const Processes& processes) {
  return read_all(source, 0, 0, batch, preprocessing, threads, progress, take, processes);
}

int read_pictures(const Pictures& pictures, const Preprocessing& preprocessing, int threads,
                  Progress& progress, const TakeBatch& take, const Processes& processes) {
  const auto files = std::make_shared<MediaFiles>(pictures.paths, pictures.read);
  const int status = read_all(files, pictures.skipped, pictures.skipped + pictures.done,
                              pictures.batch, preprocessing, threads, progress, take, processes);
  tell_counts(pictures.read, processes);
  return status;
}

int run_pictures(const Model& model, const Pictures& pictures, const Preprocessing& spec,
                 const RunOptions& options, const TakeResult& take, const Processes& processes) {
  Progress progress(pictures.paths.size(), processes);
  return read_pictures(
      pictures, spec, model.threads(), progress,
      [&](const PictureBatch& batch) {
        run_batch(model, batch, pictures, options, progress, take);
        progress.advance(batch.indices.size());
        return true;
      },
      processes);
}

}  // namespace fovea::cli
