// Where drawn pictures go: one file for all of them, or a folder with a file for each.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/cli/output_paths.h"
#include "fovea/data/encoders.h"
#include "fovea/data/image.h"
#include "fovea/data/preprocess.h"

namespace fovea::cli {

constexpr int kGap = 12;  // pixels between panels

enum class PictureFormat { png, apng, gif };

// What -o means.
struct DrawingOutput {
  std::filesystem::path path;
  bool is_folder = false;
  PictureFormat format = PictureFormat::png;

  bool animated() const { return format != PictureFormat::png; }
};
// `path` is a folder where there is one or it ends in a slash. Else its ending says the format:
// .png, .gif, .apng. `animate` makes .png an APNG and a folder one of GIFs. Throws Error where it
// is neither, can't be written, or is one of the pictures that are read.
DrawingOutput drawing_output(const std::string& path, bool animate,
                             const std::vector<std::filesystem::path>& pictures);

// A picture as the model sees it, `enlarged` times as large: whole patches, without a margin that
// fills none, and without what stands beside a picture that fills a corner (Segment Anything).
// seen: patches * patch, in pixels of the input. Throws Error naming the file.
Image seen_picture(const std::filesystem::path& picture, const ReadOptions& read,
                   const Preprocessing& spec, const Grid& seen, int enlarged);

// What of a picture whole patches fill: seen * enlarged pixels.
Image upper_left(const Image& picture, const Grid& seen, int enlarged);

// Writes drawings as they come: to the folder at once, to one file when all are there. Each drawing
// is a list of panels of one size, drawn from left to right, or one after the other if animated.
// One file has a row for each of several drawings, whose panels may be of other sizes; an animated
// one shows them side by side.
class DrawingWriter {
 public:
  explicit DrawingWriter(DrawingOutput output);

  // The file that the drawing of `picture` is, or will be, in.
  std::filesystem::path add(const std::filesystem::path& picture, std::vector<Image> panels);
  // The same of an animation at a pace of its own. Throws Error where one file has others at other
  // paces.
  std::filesystem::path add(const std::filesystem::path& picture, std::vector<Frame> frames);
  // Writes the one file.
  void finish();

 private:
  DrawingOutput output_;
  std::vector<std::vector<Frame>> drawings_;
  NamesInFolder names_;
};

}  // namespace fovea::cli
