#include "fovea/segmenter.h"

#include <algorithm>
#include <utility>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/data/preprocess.h"
#include "fovea/engine/workers.h"
#include "fovea/io/fail.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/weights.h"
#include "fovea/segment/embedding_file.h"
#include "fovea/segment/enlarge.h"
#include "fovea/segment/fingerprint.h"
#include "fovea/segment/segmentation.h"

namespace fovea {
namespace {

// Planes [1, C, h, w] as rows [h w, C].
Array rows_of(const Array& planes) {
  const int64_t channels = planes.shape[1];
  const int64_t cells = planes.shape[2] * planes.shape[3];
  Array rows({cells, channels});
  for (int64_t c = 0; c < channels; ++c) {
    const float* plane = planes.data.data() + c * cells;
    for (int64_t cell = 0; cell < cells; ++cell) rows.data[cell * channels + c] = plane[cell];
  }
  return rows;
}

std::string fingerprint_of(const Checkpoint& checkpoint) {
  const std::string own = encoder_fingerprint(checkpoint.file());
  const TensorFile* delta = checkpoint.delta();
  return delta == nullptr ? own : own + "+" + encoder_fingerprint(*delta);
}

Grid cells_of(const Array& embedding) {
  return {static_cast<int>(embedding.shape[2]), static_cast<int>(embedding.shape[3])};
}

}  // namespace

struct EncodedPicture::State {
  PictureEmbedding embedding;
  Encoded<Cpu> encoded;
};

EncodedPicture::EncodedPicture(std::shared_ptr<const State> state) : state_(std::move(state)) {}
const PicturePlace& EncodedPicture::placement() const { return state_->embedding.placement; }
const Array& EncodedPicture::embedding() const { return state_->embedding.values; }
const std::string& EncodedPicture::name() const { return state_->embedding.picture; }

void EncodedPicture::save(const std::filesystem::path& path) const {
  write_embedding(path, state_->embedding);
}

size_t PromptMasks::best() const {
  return static_cast<size_t>(std::max_element(iou.begin(), iou.end()) - iou.begin());
}

struct Segmenter::State {
  State(Model model, std::string mark, WeightSource& weights, const DecoderShape& shape)
      : encoder(std::move(model)),
        fingerprint(std::move(mark)),
        segmentation(Segmentation<Cpu>::load(*encoder.engine()->workers().lend(), weights, shape)) {
  }

  // Calls work(i) for every i of [0, count) on the engine's threads.
  void share_out(int64_t count, const std::function<void(int64_t)>& work) const {
    encoder.engine()->workers().run(count, work);
  }
  std::vector<Answer> answer(const Encoded<Cpu>& picture, std::span<const Prompt> prompts) const {
    return segmentation.answer(*encoder.engine()->workers().lend(), picture, prompts);
  }

  Model encoder;
  std::string fingerprint;
  Segmentation<Cpu> segmentation;
};

Segmenter::Segmenter(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Segmenter Segmenter::load(const std::filesystem::path& path, const LoadOptions& options) {
  Model encoder = Model::load(path, options);
  const Checkpoint checkpoint = Checkpoint::open(path, options.key);
  if (encoder.architecture().neck == 0) {
    fail("{}: is no Segment Anything; expected a model with an image encoder and a mask decoder",
         checkpoint.file_name());
  }
  if (!has_decoder(checkpoint)) {
    fail(
        "{}: has an image encoder, but no prompt encoder and mask decoder to segment with; fovea "
        "forward gives its embedding",
        checkpoint.file_name());
  }
  if (encoder.config().preprocessing.fit != Fit::corner) {
    fail(
        "{}: the config beside it puts pictures otherwise than in the corner of a square; expected "
        "none, or a SamImageProcessor's",
        checkpoint.file_name());
  }
  const DecoderShape shape = infer_decoder(checkpoint, encoder.config());
  CheckpointWeights weights(checkpoint);
  return Segmenter(std::make_shared<const State>(std::move(encoder), fingerprint_of(checkpoint),
                                                 weights, shape));
}

Segmenter Segmenter::random(const std::string& name, uint64_t seed, const LoadOptions& options) {
  Model encoder = Model::random(name, seed, options);
  if (encoder.architecture().neck == 0) {
    fail("{}: is no Segment Anything; expected sam_vit_b, sam_vit_l or sam_vit_h", name);
  }
  DecoderShape shape;
  shape.width = encoder.architecture().neck;
  RandomWeights weights(seed);
  return Segmenter(std::make_shared<const State>(
      std::move(encoder), fmt::format("{} of seed {}", name, seed), weights, shape));
}

const Model& Segmenter::encoder() const { return state_->encoder; }
int Segmenter::side() const { return made_for(state_->encoder.architecture()).rows; }

EncodedPicture Segmenter::encoded(Array embedding, const PicturePlace& placement,
                                  const std::string& name) const {
  const Architecture& a = state_->encoder.architecture();
  const Shape expected = {1, a.neck, placement.side / a.patch.rows,
                          placement.side / a.patch.columns};
  if (embedding.shape != expected) {
    fail("the embedding is {}; expected {} for {} pixels", to_string(embedding.shape),
         to_string(expected), placement.side);
  }
  const auto cpu = state_->encoder.engine()->workers().lend();
  auto encoded =
      state_->segmentation.encode(*cpu, cpu->write(rows_of(embedding)), cells_of(embedding));
  return EncodedPicture(std::make_shared<const EncodedPicture::State>(EncodedPicture::State{
      {std::move(embedding), placement, name, state_->fingerprint}, std::move(encoded)}));
}

EncodedPicture Segmenter::encode(const Image& picture, const EncodeOptions& options,
                                 const std::string& name) const {
  Preprocessing spec = state_->encoder.config().preprocessing;
  spec.height = spec.width = options.side > 0 ? options.side : side();
  Array input({1, 3, spec.height, spec.width});
  preprocess(picture, spec, input.data, name.empty() ? "picture" : name);
  const RunOptions run{.merge = options.merge,
                       .want_tokens = false,
                       .keep_ratio = options.keep_ratio,
                       .profile = options.profile};
  Result result = state_->encoder.run(input, run);
  return encoded(std::move(result.embedding),
                 place_picture(picture.width, picture.height, spec.width), name);
}

EncodedPicture Segmenter::open(const std::filesystem::path& path, int side) const {
  PictureEmbedding stored = read_embedding(path);
  if (stored.encoder != state_->fingerprint) {
    fail("{}: is the embedding of another model; expected one that this model made", path.string());
  }
  const int own = stored.placement.side;
  if (side > 0 && own != side) {
    fail("{}: is an embedding of {} pixels; expected one of {}", path.string(), own, side);
  }
  try {
    return encoded(std::move(stored.values), stored.placement, stored.picture);
  } catch (const Error& error) {
    fail("{}: {}", path.string(), error.what());
  }
}

void Segmenter::check_is_own(const EncodedPicture& picture) const {
  if (picture.state_->embedding.encoder == state_->fingerprint) return;
  fail("a picture that another model encoded; expected one that this model did");
}

std::vector<PromptMasks> Segmenter::ask(const EncodedPicture& picture,
                                        std::span<const Prompt> prompts) const {
  check_is_own(picture);
  const PicturePlace& place = picture.placement();
  std::vector<Prompt> inside;
  for (const Prompt& prompt : prompts) {
    check_prompt(prompt, place.width, place.height);
    inside.push_back(placed(prompt, place));
  }
  if (prompts.empty()) return {};
  std::vector<Answer> answers = state_->answer(picture.state_->encoded, inside);
  const MaskEnlarger enlarger(place, static_cast<int>(answers[0].logits.shape[1]));
  std::vector<PromptMasks> result;
  std::vector<std::pair<size_t, size_t>> all;  // masks, by prompt
  for (size_t i = 0; i < answers.size(); ++i) {
    const size_t count = answers[i].iou.size();
    result.push_back(
        {std::vector<Rle>(count), std::move(answers[i].iou), std::move(answers[i].logits)});
    for (size_t m = 0; m < count; ++m) all.emplace_back(i, m);
  }
  state_->share_out(static_cast<int64_t>(all.size()), [&](int64_t i) {
    PromptMasks& answer = result[all[i].first];
    const size_t m = all[i].second;
    const size_t pixels = answer.logits.data.size() / answer.iou.size();
    answer.masks[m] =
        picture_mask(enlarger, std::span(answer.logits.data).subspan(m * pixels, pixels)).rle;
  });
  return result;
}

std::vector<FoundMask> Segmenter::everything(const EncodedPicture& picture,
                                             const EverythingOptions& options) const {
  check_is_own(picture);
  return segment_everything(
      picture.placement(), options,
      [&](std::span<const Prompt> prompts) {
        return state_->answer(picture.state_->encoded, prompts);
      },
      [&](int64_t count, const std::function<void(int64_t)>& work) {
        state_->share_out(count, work);
      });
}

}  // namespace fovea
