// Putting panels together and choosing names.
#include "fovea/cli/drawings.h"

#include <algorithm>
#include <cctype>
#include <ostream>
#include <system_error>

#include "fovea/cli/options.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/report/groups.h"
#include "fovea/segment/placement.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

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

// Each long enough to be looked at.
std::vector<Frame> lingering(std::vector<Image> panels) {
  std::vector<Frame> frames;
  for (size_t i = 0; i < panels.size(); ++i) {
    const int milliseconds = i == 0 ? kFirstShown : i + 1 == panels.size() ? kLastShown : kShown;
    frames.push_back({std::move(panels[i]), milliseconds});
  }
  return frames;
}

// The panels of one drawing, or what stands at one time in all.
std::vector<Image> images_of(const std::vector<Frame>& frames) {
  std::vector<Image> images;
  for (const Frame& frame : frames) images.push_back(frame.image);
  return images;
}

std::string encode_animation(const std::vector<std::vector<Frame>>& drawings,
                             PictureFormat format) {
  std::vector<Frame> frames;
  const size_t count = drawings.front().size();
  for (size_t i = 0; i < count; ++i) {
    std::vector<Frame> shown;
    for (const std::vector<Frame>& drawing : drawings) shown.push_back(drawing[i]);
    frames.push_back({beside(images_of(shown), kGap), shown.front().milliseconds});
  }
  return format == PictureFormat::gif ? encode_gif(frames) : encode_apng(frames);
}

std::string encode(const std::vector<std::vector<Frame>>& drawings, PictureFormat format) {
  if (format != PictureFormat::png) return encode_animation(drawings, format);
  std::vector<Image> rows;
  for (const std::vector<Frame>& drawing : drawings) {
    rows.push_back(beside(images_of(drawing), kGap));
  }
  return encode_png(below(rows, kGap));
}

void write(const fs::path& path, const std::vector<std::vector<Frame>>& drawings,
           PictureFormat format) {
  const std::string bytes = encode(drawings, format);
  write_atomically(path, [&](std::ostream& out) { out << bytes; });
}

bool has_same_pace(const std::vector<Frame>& a, const std::vector<Frame>& b) {
  const auto same = [](const Frame& x, const Frame& y) { return x.milliseconds == y.milliseconds; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

}  // namespace

DrawingOutput drawing_output(const std::string& path, bool animate,
                             const std::vector<fs::path>& pictures) {
  if (const fs::path folder = as_folder("--output", path); !folder.empty()) {
    return {folder, true, animate ? PictureFormat::gif : PictureFormat::png};
  }
  DrawingOutput output = {path, false, format_of_file(path, animate)};
  check_can_write(path);
  for (const fs::path& picture : pictures) check_is_no_picture("--output", path, picture);
  return output;
}

Image seen_picture(const fs::path& picture, const ReadOptions& read, const Preprocessing& spec,
                   const Grid& seen, int enlarged) {
  const Image read_in = read_image(picture, read);
  const Image whole = resize_and_crop(read_in, spec, picture.string(), enlarged);
  Grid kept = seen;
  if (spec.fit == Fit::corner) {
    const PicturePlace place = place_picture(read_in.width, read_in.height, spec.width);
    kept = {std::min(seen.rows, place.scaled_height), std::min(seen.columns, place.scaled_width)};
  }
  return upper_left(whole, kept, enlarged);
}

Image upper_left(const Image& picture, const Grid& seen, int enlarged) {
  Image part{seen.columns * enlarged, seen.rows * enlarged, {}};
  for (int y = 0; y < part.height; ++y) {
    const auto row = picture.rgb.begin() + std::ptrdiff_t{3} * y * picture.width;
    part.rgb.insert(part.rgb.end(), row, row + std::ptrdiff_t{3} * part.width);
  }
  return part;
}

DrawingWriter::DrawingWriter(DrawingOutput output)
    : output_(std::move(output)), names_(output_.path) {
  if (output_.is_folder) names_.make_folder();
}

fs::path DrawingWriter::add(const fs::path& picture, std::vector<Image> panels) {
  return add(picture, lingering(std::move(panels)));
}

fs::path DrawingWriter::add(const fs::path& picture, std::vector<Frame> frames) {
  drawings_.push_back(std::move(frames));
  if (!output_.is_folder) {
    if (output_.animated() && !has_same_pace(drawings_.front(), drawings_.back())) {
      fail(
          "{}: has another pace than the files before it in the same animation; name a folder for "
          "a file of each",
          picture.string());
    }
    return output_.path;
  }
  fs::path file = names_.take(picture, ending_of(output_.format));
  check_is_no_picture("--output", file, picture);
  write(file, drawings_, output_.format);
  drawings_.clear();
  return file;
}

void DrawingWriter::finish() {
  if (!output_.is_folder && !drawings_.empty()) write(output_.path, drawings_, output_.format);
}

}  // namespace fovea::cli
