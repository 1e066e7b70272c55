#include "fovea/data/cut_short.h"

#include <gtest/gtest.h>

#include "fovea/io/file.h"
#include "fovea/io/testing.h"
#include "tests/paths.h"

namespace fovea {
namespace {

using std::string_view_literals::operator""sv;

std::string cut(std::string_view file) {
  return how_cut_short(*bytes_in_memory(as_bytes(file), "file"));
}

std::string golden(const std::string& name) {
  return read_text(test_data() / "goldens-media" / name);
}

TEST(CutShort, IsSeenInFilesThatTellTheirLength) {
  for (const char* name :
       {"shapes.mp4", "short.mp4", "rotated.mp4", "variable.webm", "sweep-16k.wav"}) {
    SCOPED_TRACE(name);
    const std::string whole = golden(name);
    EXPECT_EQ(cut(whole), "");
    EXPECT_EQ(cut(whole.substr(0, whole.size() * 6 / 10)).find("ends after "), 0U);
    EXPECT_EQ(cut(whole + "and more"), "");
  }
  EXPECT_EQ(cut(golden("truncated.mp4")), "ends after 4990 of 8317 bytes");
  const std::string wav = golden("sweep-16k.wav");
  EXPECT_EQ(cut(wav.substr(0, 20'000)), "ends after 20000 of 32044 bytes");
}

TEST(CutShort, IsNotSaidWhereNobodyKnewTheLength) {
  EXPECT_EQ(cut("RIFF\xff\xff\xff\xffWAVE"sv), "");
  EXPECT_EQ(cut("RIFF\x24\xf0\xff\x7fWAVE"sv), "") << "as sox writes it to a pipe";
  EXPECT_EQ(cut("\0\0\0\x08"
                "ftyp\0\0\0\0mdat..."sv),
            "")
      << "to the end";
  EXPECT_EQ(cut("\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff.."sv), "");
  EXPECT_EQ(cut("no media at all"), "");
  EXPECT_EQ(cut("R"), "");
}

TEST(CutShort, IsSeenInBoxes) {
  const std::string begin(
      "\0\0\0\x08"
      "ftyp",
      8);
  EXPECT_EQ(cut(begin + std::string("\0\0\0\x09"
                                    "mdat",
                                    8)),
            "ends after 16 of 17 bytes");
  EXPECT_EQ(cut(begin + std::string("\0\0\0\x09"
                                    "udta",
                                    8)),
            "")
      << "nobody needs it";
  EXPECT_EQ(cut(begin + std::string("\0\0\0\x01"
                                    "mdat\0\0\0\0\0\0\0\x20",
                                    16)),
            "ends after 24 of 40 bytes");
}

// A page: 27 bytes, then how long its parts are, then these.
std::string page(char flags, const std::string& content) {
  std::string bytes = "OggS";
  bytes += '\0';
  bytes += flags;
  bytes += std::string(20, '\0');
  bytes += '\x01';
  bytes += static_cast<char>(content.size());
  return bytes + content;
}

TEST(CutShort, IsSeenInOgg) {
  const std::string whole = page(2, "first") + page(4, "last");
  EXPECT_EQ(cut(whole), "");
  EXPECT_EQ(cut(whole.substr(0, whole.size() - 1)), "ends in the middle of an Ogg page");
  EXPECT_EQ(cut(whole.substr(0, whole.size() - 12)), "ends in the middle of an Ogg page");
  EXPECT_EQ(cut(page(2, "first")), "ends before the last Ogg page of its stream");
}

TEST(CutShort, IsSeenInGif) {
  const std::string header("GIF89a\1\0\1\0\x80\0\0abcdef", 19);  // a palette of two
  const std::string picture(",\0\0\0\0\1\0\1\0\0\x02\x02\x44\x01\0", 15);
  EXPECT_EQ(cut(header + picture + ";"), "");
  EXPECT_EQ(cut(header + picture), "");
  EXPECT_EQ(cut(header + picture + ";more"), "");
  EXPECT_EQ(cut(header + picture.substr(0, 13)), "ends in the middle of a GIF block");
  EXPECT_EQ(cut(header + std::string("!\xf9\x04", 3)), "ends in the middle of a GIF block");
}

TEST(CutShort, IsSeenInMp3) {
  // Behind a tag of one byte a frame that says: 60 bytes.
  const std::string tag("ID3\3\0\0\0\0\0\1.", 11);
  const std::string frame =
      std::string("\xff\xfb\x90\0....Info\0\0\0\2\0\0\0\x3c", 20) + std::string(40, '.');
  EXPECT_EQ(cut(tag + frame), "");
  EXPECT_EQ(cut(frame), "");
  EXPECT_EQ(cut(tag + frame.substr(0, 59)), "ends after 70 of 71 bytes");
}

}  // namespace
}  // namespace fovea
