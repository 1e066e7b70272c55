// Media files that end before they should: what their containers say of their own length.
#pragma once

#include <string>

#include "fovea/io/byte_source.h"

namespace fovea {

// "ends after 4990 of 8318 bytes", "ends in the middle of an Ogg page", ...; "" where nothing is
// known to be missing. Of MP4 and QuickTime, Matroska and WebM, RIFF (WAV, AVI), AIFF, Ogg, GIF,
// and MP3 with a Xing header; of others, and of streams whose length nobody wrote down, nothing is
// known.
std::string how_cut_short(const ByteSource& bytes);

}  // namespace fovea
