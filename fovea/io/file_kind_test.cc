#include "fovea/io/file_kind.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace fovea {
namespace {

using std::string_view_literals::operator""sv;

std::string kind(std::string_view text) { return kind_of_file(std::as_bytes(std::span(text))); }

TEST(KindOfFile, IsToldByTheFirstBytes) {
  EXPECT_EQ(kind("RIFF\x10\0\0\0WEBPVP8 "sv), "a WebP picture");
  EXPECT_EQ(kind("RIFF\x10\0\0\0WAVEfmt "sv), "a WAV sound");
  EXPECT_EQ(kind("fLaC\0"sv), "a FLAC sound");
  EXPECT_EQ(kind("OggS\0"sv), "an Ogg sound or video");
  EXPECT_EQ(kind("ID3\4"sv), "an MP3 sound");
  EXPECT_EQ(kind("\xff\xfb\x90"sv), "an MP3 sound");
  EXPECT_EQ(kind("II*\0\x08"sv), "a TIFF picture");
  EXPECT_EQ(kind("\0\0\0\x18"
                 "ftypheic\0\0"sv),
            "a HEIC picture");
  EXPECT_EQ(kind("\0\0\0\x18"
                 "ftypavif\0\0"sv),
            "an AVIF picture");
  EXPECT_EQ(kind("\0\0\0\x18"
                 "ftypisom\0\0"sv),
            "an MP4 video");
  EXPECT_EQ(kind("MM\0+\0\x08"sv), "a TIFF picture");
  EXPECT_EQ(kind("BM6\0"sv), "a BMP picture");
  EXPECT_EQ(kind("\0\x05\x16\x07\0\x02\0\0"sv),
            "an AppleDouble file, which macOS puts beside the file itself");
  EXPECT_EQ(kind("PK\x03\x04..."sv), "a zip file");
}

// HEIC and AVIF are told by any of the brands, which a file may have in any order.
TEST(KindOfFile, IsToldByItsBrands) {
  const auto boxes = [](const std::string& brands) {
    const auto size = static_cast<char>(8 + brands.size());
    return kind(std::string("\0\0\0", 3) + size + "ftyp" + brands);
  };
  const std::string version(4, '\0');
  EXPECT_EQ(boxes("mif1" + version + "mif1heic"), "a HEIC picture");
  EXPECT_EQ(boxes("heix" + version + "mif1"), "a HEIC picture");
  EXPECT_EQ(boxes("hevc" + version), "a HEIC picture");
  EXPECT_EQ(boxes("mif1" + version + "miafavif"), "an AVIF picture");
  EXPECT_EQ(boxes("avis" + version + "msf1"), "an AVIF picture");
  EXPECT_EQ(boxes("isom" + version + "mp41"), "an MP4 video");

  EXPECT_EQ(kind("\0\0\0\x0c"
                 "ftypisomheic"sv),
            "an MP4 video")
      << "beyond the box";
}

TEST(KindOfFile, KnowsWhatDownloadsLeave) {
  const std::string page = "an HTML page, perhaps that of a download that failed";
  EXPECT_EQ(kind("<!DOCTYPE html><html>"), page);
  EXPECT_EQ(kind("\xef\xbb\xbf\n <HTML>"), page);
  EXPECT_NE(kind("version https://git-lfs.github.com/spec/v1\noid sha256:1").find("git-lfs"),
            std::string::npos);
  EXPECT_EQ(kind("{\"error\": \"gone\"}"), "a JSON file");
  EXPECT_EQ(kind("<?xml version='1.0'?><svg>"), "an SVG drawing");
}

TEST(KindOfFile, KnowsModelsThatAreNotRead) {
  EXPECT_EQ(kind("GGUF\3\0\0\0"sv), "a GGUF file");
  EXPECT_EQ(kind("\x93NUMPY\1\0v\0"sv), "a NumPy array");
  EXPECT_EQ(kind("\x89HDF\r\n\x1a\n\0\0"sv), "an HDF5 file, as Keras writes models");
  EXPECT_EQ(kind("\x1c\0\0\0TFL3\0\0"sv), "a TensorFlow Lite model");
  EXPECT_EQ(kind("PK\x05\x06\0\0"sv), "an empty zip file");
  EXPECT_EQ(kind("\x80\x04\x95\0\0\0\0"sv), "a Python pickle that torch.save did not write");
  EXPECT_EQ(kind(std::string(257, '\0') + "ustar"), "a tar archive");
  // IR version 8, then the producer's name, or the graph itself.
  EXPECT_EQ(kind("\x08\x08\x12\x07pytorch\x1a\x05"
                 "2.1.0"sv),
            "an ONNX model");
  EXPECT_EQ(kind("\x08\x0a:\xf0\x12\n\x0finput and so on"sv), "an ONNX model");
  EXPECT_EQ(kind("\x08\x00\x12\x07pytorch\x1a\x05"
                 "2.1.0"sv),
            "");
}

TEST(KindOfFile, IsNotGuessed) {
  for (const std::string_view text : {""sv, "B"sv, "text"sv, "RIFF"sv, "\0\0\0\0\0\0"sv}) {
    EXPECT_EQ(kind(text), "") << text;
  }
}

}  // namespace
}  // namespace fovea
