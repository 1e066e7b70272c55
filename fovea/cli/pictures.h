// Running a model over the pictures, videos or sound of a command line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fovea/cli/command.h"
#include "fovea/cli/progress.h"
#include "fovea/cli/read_flags.h"
#include "fovea/data/left_out.h"
#include "fovea/data/loader.h"
#include "fovea/fovea.h"
#include "fovea/processes/processes.h"

namespace fovea::cli {

// Which pictures, as typed.
struct PictureFlags {
  std::vector<std::string> paths;
  std::string batch = "8";
  ReadFlags read;
};
// Adds the positional arguments `name`..., and how pictures are read.
void add_picture_paths(Command& command, PictureFlags& flags, const std::string& name,
                       bool is_required = true);
// The same and --batch.
void add_picture_flags(Command& command, PictureFlags& flags, const std::string& name);

struct Pictures {
  std::vector<std::filesystem::path> paths;  // folders resolved, in order
  size_t skipped = 0;                        // arguments that there was nothing to read of
  int batch = 1;
  size_t done = 0;  // pictures beside these, that an earlier run has read
  ReadOptions read = {};
  Medium medium = Medium::picture;
};
// Names what there is not on standard error, in the first process, and goes on. Throws Error where
// nothing is left. `medium`: of the files, where they are videos or sound.
Pictures find_pictures(const PictureFlags& flags, const Processes& processes = Processes::alone(),
                       Medium medium = Medium::picture);

// Says, in one line, what of folders (`of` them, where that is given) was not of the medium.
void note_left_out(const LeftOut& left_out, const std::string& of = "");

// Called with the inputs of a batch, at least one; false ends reading.
using TakeBatch = std::function<bool(const InputBatch& batch)>;

// Reads the inputs of all files of a source in order, `batch` at a time, ahead of a model that
// computes with `threads` threads. A file that can't be read is named on standard error, after
// `progress`, which counts files, is cleared; the rest is done. Returns the exit status: done or
// some skipped. Throws Error where none could be read. Of several processes, all of which call it,
// each reads its share; what is returned or thrown at the end is of all.
int read_files(const std::shared_ptr<const MediaSource>& source, int batch, const InputSpec& spec,
               int threads, Progress& progress, const TakeBatch& take,
               const Processes& processes = Processes::alone());
// The same of those of a command line. Tells in the end what was counted as they were read.
int read_files(const Pictures& files, const InputSpec& spec, int threads, Progress& progress,
               const TakeBatch& take, const Processes& processes = Processes::alone());

// Called with a picture, its place in `result`, and the result of the batch it was in.
using TakeResult =
    std::function<void(const std::filesystem::path& picture, int64_t index, const Result& result)>;

// Runs all pictures in order, reading ahead and preprocessing as `spec` says, and skipping as
// above. Returns the exit status.
int run_pictures(const Model& model, const Pictures& pictures, const Preprocessing& spec,
                 const RunOptions& options, const TakeResult& take);

}  // namespace fovea::cli
