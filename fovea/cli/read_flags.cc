#include "fovea/cli/read_flags.h"

#include <vector>

#include "fovea/cli/console.h"
#include "fovea/cli/options.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

constexpr int kMostMegapixels = 2000;  // so that the number of a pixel fits an int

// Whether the second of two words was typed.
bool is_second(const std::string& option, const std::string& text, const std::string& first,
               const std::string& second) {
  if (text != first && text != second) {
    fail("{} {}: expected {} or {}", option, printable(text), first, second);
  }
  return text == second;
}

std::optional<Rgb> parse_background(const std::string& text) {
  if (text == "none") return std::nullopt;
  if (text == "white") return Rgb{255, 255, 255};
  if (text == "black") return Rgb{0, 0, 0};
  const std::vector<std::string> parts = split(text);
  if (parts.size() != 3) {
    fail("--background {}: expected none, white, black or R,G,B", printable(text));
  }
  Rgb colour = {};
  for (size_t i = 0; i < 3; ++i) {
    colour[i] = static_cast<uint8_t>(parse_whole("--background", parts[i], 0, 255));
  }
  return colour;
}

}  // namespace

void add_read_flags(Command& command, ReadFlags& flags) {
  const std::string group = "Reading pictures";
  command
      .add_option("--orient", flags.orient,
                  "exif: turn JPEG, PNG and WebP upright as EXIF says (default none,\n"
                  "as the usual transform does; TIFF, HEIC and AVIF always are)")
      ->type_name("none|exif")
      ->group(group);
  command
      .add_option("--background", flags.background,
                  "none, white, black or R,G,B: the colour that shows where pictures\n"
                  "are transparent (default none: what is hidden there shows)")
      ->type_name("COLOUR")
      ->group(group);
  command
      .add_option("--truncated", flags.truncated,
                  "accept: of a cut JPEG, PNG or WebP take what is there, the rest\n"
                  "black or grey (default refuse)")
      ->type_name("refuse|accept")
      ->group(group);
  command
      .add_option("--max-megapixels", flags.max_megapixels,
                  "Refuse pictures that are larger (default 100)")
      ->type_name("N")
      ->group(group);
}

ReadOptions read_options(const ReadFlags& flags) {
  ReadOptions options;
  if (is_second("--orient", flags.orient, "none", "exif")) options.orient = Orient::exif;
  options.background = parse_background(flags.background);
  options.accept_truncated = is_second("--truncated", flags.truncated, "refuse", "accept");
  options.max_pixels = int64_t{1'000'000} *
                       parse_whole("--max-megapixels", flags.max_megapixels, 1, kMostMegapixels);
  options.counts = std::make_shared<ReadCounts>();
  return options;
}

void tell_counts(const ReadOptions& options, const Processes& processes) {
  int64_t not_turned = options.counts->not_turned;
  int64_t saturated = options.counts->saturated;
  processes.sum({&not_turned, &saturated});
  if (!processes.is_first()) return;
  if (not_turned == 1) {
    note("1 picture says in EXIF that it is turned; --orient exif turns it");
  } else if (not_turned > 1) {
    note(fmt::format("{} pictures say in EXIF that they are turned; --orient exif turns them",
                     not_turned));
  }
  if (saturated == 1) {
    note(
        "1 picture in 16-bit grey has values above 255, which are white, as Pillow makes them; "
        "scale "
        "it to 8 bits to keep what it shows");
  } else if (saturated > 1) {
    note(
        fmt::format("{} pictures in 16-bit grey have values above 255, which are white, as Pillow "
                    "makes them; scale them to 8 bits to keep what they show",
                    saturated));
  }
}

}  // namespace fovea::cli
