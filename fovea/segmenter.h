// The door to Segment Anything for programs that embed Fovea: a picture is encoded once, then asked
// as often as one likes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fovea/api.h"
#include "fovea/fovea.h"
#include "fovea/segment/everything.h"
#include "fovea/segment/placement.h"
#include "fovea/segment/prompt.h"
#include "fovea/segment/rle.h"

namespace fovea {

// How a picture is encoded.
struct EncodeOptions {
  int side = 0;             // pixels of the square it is put in; 0: what the model was made for
  MergeOptions merge = {};  // of the image encoder's tokens
  std::optional<double> keep_ratio = {};  // as RunOptions has it
  Profile* profile = nullptr;
};

// A picture, ready to be asked. Copies share it; safe to use from several threads at once.
class FOVEA_API EncodedPicture {
 public:
  // Its size, and how large it is in the square.
  const PicturePlace& placement() const;
  // [1, C, h, w]: the image encoder's output.
  const Array& embedding() const;
  // The name that it was given; may be empty.
  const std::string& name() const;
  // Writes a safetensors file that Segmenter::open reads.
  void save(const std::filesystem::path& path) const;

 private:
  friend class Segmenter;
  struct State;
  explicit EncodedPicture(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

// The answer to one prompt: one mask, or three, in the model's own order.
struct PromptMasks {
  std::vector<Rle> masks;  // at the picture's size
  std::vector<float> iou;  // of each, as the model estimates it
  Array logits;            // [masks, S/4, S/4]: what Prompt::mask takes one of

  // Which mask has the best estimate; the first of equal ones.
  FOVEA_API size_t best() const;
};

// A Segment Anything model ready to run. Copies share the weights. Safe to call from several
// threads at once.
class FOVEA_API Segmenter {
 public:
  // `path`: as for Model::load. Throws Error naming the file and what is wrong with it, also where
  // it has an image encoder and no decoder.
  static Segmenter load(const std::filesystem::path& path, const LoadOptions& options = {});
  // sam_vit_b, sam_vit_l or sam_vit_h with random weights, to measure.
  static Segmenter random(const std::string& name, uint64_t seed, const LoadOptions& options = {});

  // The image encoder.
  const Model& encoder() const;
  // The side of the square, in pixels, that it was made for.
  int side() const;

  // `name` stands in messages and is kept with the picture. Throws Error for a picture that is too
  // narrow, or a side that is no multiple of the patch.
  EncodedPicture encode(const Image& picture, const EncodeOptions& options = {},
                        const std::string& name = "") const;
  // A picture whose embedding, [1, C, h, w], this encoder has made before. Throws Error where it
  // has other extents than the placement asks for.
  EncodedPicture encoded(Array embedding, const PicturePlace& placement,
                         const std::string& name = "") const;
  // Reads what EncodedPicture::save wrote. Throws Error naming the file where it is no such file,
  // of another encoder, or, where `side` is not 0, of a square with another side.
  EncodedPicture open(const std::filesystem::path& embedding, int side = 0) const;

  // An answer to each prompt, in pixels of the picture. Throws Error as check_prompt does, for
  // masks of another size than logits of this picture have, and for the picture of another
  // segmenter.
  std::vector<PromptMasks> ask(const EncodedPicture& picture,
                               std::span<const Prompt> prompts) const;
  // All that there is in the picture, the best estimate first.
  std::vector<FoundMask> everything(const EncodedPicture& picture,
                                    const EverythingOptions& options = {}) const;

 private:
  struct State;
  explicit Segmenter(std::shared_ptr<const State> state);
  void check_is_own(const EncodedPicture& picture) const;
  std::shared_ptr<const State> state_;
};

}  // namespace fovea
