// Putting panels together and choosing names.
#include "fovea/cli/drawings.h"

#include <algorithm>
#include <cctype>
#include <ostream>
#include <system_error>

#include "fovea/cli/options.h"
#include "fovea/data/encoders.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/report/groups.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kGap = 12;  // pixels between panels

// How long the panels of an animation are shown, in milliseconds.
constexpr int kFirstShown = 1500;
constexpr int kShown = 500;
constexpr int kLastShown = 2500;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

PictureFormat format_of_file(const std::string& path, bool animate) {
  const std::string ending = lower(fs::path(path).extension().string());
  if (ending == ".gif") return PictureFormat::gif;
  if (ending == ".apng") return PictureFormat::apng;
  if (ending == ".png") return animate ? PictureFormat::apng : PictureFormat::png;
  fail(
      "--output {}: expected a name that ends in .png, .gif or .apng, a folder that is there, or a "
      "name that ends in / for a new one",
      printable(path));
}

const char* ending_of(PictureFormat format) {
  return format == PictureFormat::gif ? ".gif" : ".png";
}

std::string encode_animation(const std::vector<std::vector<Image>>& drawings,
                             PictureFormat format) {
  std::vector<Frame> frames;
  const size_t count = drawings.front().size();
  for (size_t i = 0; i < count; ++i) {
    std::vector<Image> shown;
    for (const std::vector<Image>& panels : drawings) shown.push_back(panels[i]);
    const int milliseconds = i == 0 ? kFirstShown : i + 1 == count ? kLastShown : kShown;
    frames.push_back({beside(shown, kGap), milliseconds});
  }
  return format == PictureFormat::gif ? encode_gif(frames) : encode_apng(frames);
}

std::string encode(const std::vector<std::vector<Image>>& drawings, PictureFormat format) {
  if (format != PictureFormat::png) return encode_animation(drawings, format);
  std::vector<Image> rows;
  for (const std::vector<Image>& panels : drawings) rows.push_back(beside(panels, kGap));
  return encode_png(below(rows, kGap));
}

void write(const fs::path& path, const std::vector<std::vector<Image>>& drawings,
           PictureFormat format) {
  const std::string bytes = encode(drawings, format);
  write_atomically(path, [&](std::ostream& out) { out << bytes; });
}

void check_is_no_picture(const fs::path& output, const fs::path& picture) {
  std::error_code ignored;  // what isn't there yet is no picture
  if (fs::equivalent(output, picture, ignored)) {
    fail("--output {}: would overwrite the picture {}; expected another file or folder",
         output.string(), picture.string());
  }
}

}  // namespace

DrawingOutput drawing_output(const std::string& path, bool animate,
                             const std::vector<fs::path>& pictures) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored) || path.ends_with('/')) {
    const fs::path folder = path.ends_with('/') ? fs::path(path).parent_path() : fs::path(path);
    if (fs::exists(folder, ignored) && !fs::is_directory(folder, ignored)) {
      fail("--output {}: expected a folder, found a file", printable(path));
    }
    // A new folder is made in one that is there.
    check_can_write(fs::exists(folder, ignored) ? folder / "name" : folder);
    return {folder, true, animate ? PictureFormat::gif : PictureFormat::png};
  }
  DrawingOutput output = {path, false, format_of_file(path, animate)};
  check_can_write(path);
  for (const fs::path& picture : pictures) check_is_no_picture(path, picture);
  return output;
}

Image seen_picture(const fs::path& picture, const ReadOptions& read, const Preprocessing& spec,
                   const Grid& seen, int enlarged) {
  const Image whole = resize_and_crop(read_image(picture, read), spec, picture.string(), enlarged);
  Image part{seen.columns * enlarged, seen.rows * enlarged, {}};
  for (int y = 0; y < part.height; ++y) {
    const auto row = whole.rgb.begin() + std::ptrdiff_t{3} * y * whole.width;
    part.rgb.insert(part.rgb.end(), row, row + std::ptrdiff_t{3} * part.width);
  }
  return part;
}

DrawingWriter::DrawingWriter(DrawingOutput output) : output_(std::move(output)) {
  if (!output_.is_folder) return;
  std::error_code error;
  fs::create_directory(output_.path, error);
  if (error) fail("{}: the folder can't be made: {}", output_.path.string(), error.message());
}

fs::path DrawingWriter::add(const fs::path& picture, std::vector<Image> panels) {
  drawings_.push_back(std::move(panels));
  if (!output_.is_folder) return output_.path;
  fs::path file = file_in_folder(picture);
  check_is_no_picture(file, picture);
  write(file, drawings_, output_.format);
  drawings_.clear();
  return file;
}

void DrawingWriter::finish() {
  if (!output_.is_folder && !drawings_.empty()) write(output_.path, drawings_, output_.format);
}

// The picture's name; with a number where another picture was called so.
fs::path DrawingWriter::file_in_folder(const fs::path& picture) {
  const std::string stem = picture.stem().string();
  std::string name = stem;
  for (int number = 2; !names_.insert(name).second; ++number) {
    name = fmt::format("{}-{}", stem, number);
  }
  return output_.path / (name + ending_of(output_.format));
}

}  // namespace fovea::cli
