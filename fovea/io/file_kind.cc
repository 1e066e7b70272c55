#include "fovea/io/file_kind.h"

#include <algorithm>
#include <string_view>

namespace fovea {
namespace {

using std::string_view_literals::operator""sv;

// Bytes that stand at some place of every file of a kind.
struct Magic {
  size_t at;
  std::string_view bytes;
  std::string_view kind;
};

constexpr Magic kMagics[] = {
    {0, "\xff\xd8\xff"sv, "a JPEG picture"},
    {0, "\x89PNG\r\n\x1a\n"sv, "a PNG picture"},
    {8, "WEBP"sv, "a WebP picture"},
    {8, "AVI "sv, "an AVI video"},
    {8, "WAVE"sv, "a WAV sound"},
    {0, "fLaC"sv, "a FLAC sound"},
    {0, "OggS"sv, "an Ogg sound or video"},
    {0, "ID3"sv, "an MP3 sound"},
    {0, "\xff\xfb"sv, "an MP3 sound"},
    {0, "\xff\xfa"sv, "an MP3 sound"},
    {0, "\xff\xf3"sv, "an MP3 sound"},
    {0, "\xff\xf2"sv, "an MP3 sound"},
    {0, "GIF8"sv, "a GIF picture"},
    {0, "BM"sv, "a BMP picture"},
    {0, "II*\0"sv, "a TIFF picture"},
    {0, "MM\0*"sv, "a TIFF picture"},
    {0, "II+\0"sv, "a TIFF picture"},
    {0, "MM\0+"sv, "a TIFF picture"},
    {0, "\x1a\x45\xdf\xa3"sv, "a Matroska or WebM video"},
    {0, "\x00\x00\x00\x0cJXL "sv, "a JPEG XL picture"},
    {0, "\x00\x00\x00\x0cjP  "sv, "a JPEG 2000 picture"},
    {0, "\0\x05\x16\x07"sv, "an AppleDouble file, which macOS puts beside the file itself"},
    {0, "8BPS"sv, "a Photoshop picture"},
    {0, "%PDF-"sv, "a PDF document"},
    {0, "PK\x03\x04"sv, "a zip file"},
    {0, "PK\x05\x06"sv, "an empty zip file"},
    {0, "\x1f\x8b"sv, "a gzip file"},
    {0, "\x93NUMPY"sv, "a NumPy array"},
    {0, "GGUF"sv, "a GGUF file"},
    {0, "ggml"sv, "a GGML file"},
    {0, "lmgg"sv, "a GGML file"},
    {0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file, as Keras writes models"},
    {4, "TFL3"sv, "a TensorFlow Lite model"},
    {4, "ET12"sv, "an ExecuTorch program"},
    {257, "ustar"sv, "a tar archive"},
    {0, "BZh"sv, "a bzip2 file"},
    {0, "\xfd\x37zXZ\0"sv, "an xz file"},
    {0, "\x28\xb5\x2f\xfd"sv, "a zstd file"},
    {0, "7z\xbc\xaf\x27\x1c"sv, "a 7-Zip archive"},
    {0, "version https://git-lfs"sv,
     "a git-lfs pointer, which stands for a file that was not downloaded (git lfs pull brings it)"},
};

bool has(std::string_view text, const Magic& magic) {
  return text.size() > magic.at && text.substr(magic.at).starts_with(magic.bytes);
}

// What a file in boxes, of which the first is "ftyp", says that readers need to know: its brand and
// those that it goes by as well.
std::string kind_of_boxes(std::string_view text) {
  constexpr size_t kBrands = 8;  // behind the box's length and name
  size_t end = 0;
  for (const char c : text.substr(0, 4)) end = end << 8 | static_cast<unsigned char>(c);
  bool is_heic = false;
  for (size_t at = kBrands; at + 4 <= std::min(end, text.size()); at += 4) {
    const std::string_view brand = text.substr(at, 4);
    if (brand == "avif" || brand == "avis") return "an AVIF picture";
    is_heic = is_heic || brand == "mif1" || brand == "msf1" || brand.starts_with("hei") ||
              brand.starts_with("hev");
  }
  return is_heic ? "a HEIC picture" : "an MP4 video";
}

// ONNX has no magic: a protobuf that begins with the version of its format, then who wrote it.
bool is_onnx(std::string_view text) {
  constexpr std::string_view kNext = "\x12\x1a\x22\x28\x32\x3a\x42";  // fields 2 to 8
  return text.size() > 16 && text[0] == 8 && text[1] > 0 && text[1] < 32 &&
         kNext.find(text[2]) != std::string_view::npos;
}

// Python's pickles say their protocol first.
bool is_pickle(std::string_view text) {
  return text.size() > 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5;
}

// The first letters behind blanks and a byte-order mark, in small letters.
std::string beginning(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  std::string letters(text.substr(0, 16));
  std::transform(letters.begin(), letters.end(), letters.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return letters;
}

constexpr size_t kLooked = 1024;  // of a file, its first bytes

}  // namespace

std::string kind_of_file(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), kLooked));
  if (text.size() > 4 && text.substr(4).starts_with("ftyp")) return kind_of_boxes(text);
  for (const Magic& magic : kMagics) {
    if (has(text, magic)) return std::string(magic.kind);
  }
  if (is_onnx(text)) return "an ONNX model";
  if (is_pickle(text)) return "a Python pickle that torch.save did not write";
  const std::string letters = beginning(text);
  if (letters.starts_with("<!doctype html") || letters.starts_with("<html")) {
    return "an HTML page, perhaps that of a download that failed";
  }
  if (letters.starts_with("<svg") || text.find("<svg") != std::string_view::npos) {
    return "an SVG drawing";
  }
  if (letters.starts_with("<?xml")) return "an XML file";
  if (letters.starts_with("{")) return "a JSON file";
  return "";
}

std::string kind_of_file(const ByteSource& bytes) { return kind_of_file(bytes.beginning(kLooked)); }

}  // namespace fovea
