// What fovea segment writes of each picture: masks, label maps, overlays, cut-outs, JSON.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fovea/cli/command.h"
#include "fovea/cli/mask_json.h"
#include "fovea/cli/output_paths.h"
#include "fovea/cli/prompt_flags.h"
#include "fovea/data/image.h"
#include "fovea/segmenter.h"

namespace fovea::cli {

// As typed.
struct SegmentOutputFlags {
  std::string output, overlay, cutout, save_embedding;
  std::string rle = "counts";
  bool json = false;
};
// Adds -o, --overlay, --cutout, --json, --rle and --save-embedding.
void add_segment_output_flags(Command& command, SegmentOutputFlags& flags);

// A picture of which masks were found. `image` is only there where needs_pixels() asks for it.
struct SegmentedPicture {
  std::filesystem::path path;
  int width = 0;
  int height = 0;
  std::optional<Image> image = {};
};

class SegmentOutput {
 public:
  // `everything`: not prompts are answered. Throws Error naming the option that can't be followed,
  // and where nothing is asked for.
  SegmentOutput(const SegmentOutputFlags& flags, bool everything, const std::string& model,
                const std::vector<std::filesystem::path>& pictures);
  SegmentOutput(const SegmentOutput&) = delete;
  SegmentOutput& operator=(const SegmentOutput&) = delete;
  ~SegmentOutput();

  // Whether the picture itself is drawn.
  bool needs_pixels() const { return overlay_.wanted() || cutout_.wanted(); }
  // Whether masks are wanted, or only the embedding is.
  bool wants_masks() const;

  void write_embedding(const std::filesystem::path& picture, const EncodedPicture& encoded);
  // An answer to each prompt.
  void write(const SegmentedPicture& picture, const std::vector<AskedPrompt>& prompts,
             const std::vector<PromptMasks>& answers);
  void write(const SegmentedPicture& picture, const std::vector<FoundMask>& found);
  // When all pictures are done.
  void finish() const;

 private:
  void draw(const SegmentedPicture& picture, const std::vector<Rle>& masks, bool numbered);

  struct Annotations;  // COCO's list of results

  RleText rle_;
  bool json_;
  bool everything_;
  std::filesystem::path list_;  // COCO's; empty where none is wanted
  OutputPaths masks_, overlay_, cutout_, embedding_;
  std::unique_ptr<Annotations> annotations_;
};

}  // namespace fovea::cli
