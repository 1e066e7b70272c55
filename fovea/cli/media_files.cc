#include "fovea/cli/media_files.h"

#include <optional>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/feature_rows.h"
#include "fovea/data/clip.h"
#include "fovea/data/log_mel.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "fovea/io/row_file.h"

namespace fovea::cli {
namespace {

void write_raw_clip(const std::filesystem::path& path, const ReadOptions& options,
                    const InputSpec& spec, const std::string& output) {
  const std::unique_ptr<FrameSource> source = open_clip(path, options);
  write_atomically(output, [&](std::ostream& out) {
    const auto take = [&](size_t index, const Image& frame) {
      if (index == 0) out << npy_header({spec.frames, frame.height, frame.width, 3}, "|u1");
      out.write(reinterpret_cast<const char*>(frame.rgb.data()),
                static_cast<std::streamsize>(frame.rgb.size()));
    };
    source->read(clip_places(source->count(), spec.frames, spec.stride), take);
  });
}

void write_raw_sound(const std::filesystem::path& path, const InputSpec& spec,
                     const std::string& output) {
  LogMelReader reader(open_sound(path), spec.sound);
  RowFile rows({spec.sound.filters});
  std::vector<float> frame(spec.sound.filters);
  while (reader.next(frame)) rows.append(frame);
  write_atomically(output, [&](std::ostream& out) {
    out << npy_header({static_cast<int64_t>(rows.count()), spec.sound.filters});
    rows.read([&](std::span<const float> row) {
      out.write(reinterpret_cast<const char*>(row.data()),
                static_cast<std::streamsize>(row.size_bytes()));
    });
  });
}

}  // namespace

int write_media_inputs(const Pictures& files, const InputSpec& spec, const std::string& output) {
  FeatureRows rows(spec.shape(), false, false);
  Progress progress(files.paths.size());
  const MediaFiles media(files.paths, files.read);
  const size_t all = files.paths.size() + files.skipped;
  for (size_t i = 0; i < files.paths.size(); ++i) {
    try {
      rows.add(i, read_input(media, static_cast<int64_t>(i), spec).data);
    } catch (const Error& error) {
      if (all == 1) throw;
      progress.clear();
      complain(std::string("skipped: ") + error.what());
    }
    progress.advance(1);
  }
  progress.clear();
  if (rows.count() == 0) fail("none of {} files could be read", all);
  rows.write({output, {}, false, {}}, files.paths);
  return rows.count() == all ? kDone : kSomeSkipped;
}

int write_raw_media(const Pictures& files, const InputSpec& spec, const std::string& output) {
  if (files.paths.size() + files.skipped != 1) {
    fail("--stage raw: {} files; expected one, of videos and sound", files.paths.size());
  }
  if (spec.medium == Medium::video) {
    write_raw_clip(files.paths[0], files.read, spec, output);
  } else {
    write_raw_sound(files.paths[0], spec, output);
  }
  return kDone;
}

}  // namespace fovea::cli
