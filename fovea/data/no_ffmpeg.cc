// In the place of what reads through FFmpeg in builds without its headers.
#include "fovea/data/frames.h"
#include "fovea/data/sound.h"

namespace fovea {
namespace {

[[noreturn]] void refuse(const std::string& name) {
  throw MissingLibrary(name,
                       "this build of Fovea reads no video, and of sound only what libsndfile "
                       "knows: it was built without FFmpeg's headers (Debian packages "
                       "libavformat-dev, libavcodec-dev, libswscale-dev, libavutil-dev)");
}

}  // namespace

std::unique_ptr<FrameSource> open_video(const SharedBytes& bytes, const ReadOptions&) {
  refuse(bytes->name());
}
std::unique_ptr<SoundReader> open_ffmpeg_sound(const SharedBytes& bytes) { refuse(bytes->name()); }

}  // namespace fovea
