#include "fovea/fovea.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <span>
#include <utility>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/backend/cpu/profiled.h"
#include "fovea/data/image.h"
#include "fovea/data/preprocess.h"
#include "fovea/engine/workers.h"
#include "fovea/io/fail.h"
#include "fovea/model/labels.h"
#include "fovea/model/stored.h"
#include "fovea/model/vit.h"
#include "fovea/model/weights.h"
#include "fovea/tokens/counts.h"
#include "fovea/tokens/routing.h"

namespace fovea {
namespace {

void check_images(const Array& images, const Architecture& a) {
  const Shape& s = images.shape;
  if (s.size() != 4 || s[1] != 3)
    fail("images are {}; expected [batch, 3, height, width]", to_string(s));
  if (checked_elements(s) != static_cast<int64_t>(images.data.size())) {
    fail("images are {} but hold {} values; expected as many as their shape says", to_string(s),
         images.data.size());
  }
  if (s[0] < 1) fail("images are {}; expected at least one", to_string(s));
  check_input_size("images are " + to_string(s), s[2], s[3], a);
  constexpr int64_t kMostPatches = 1 << 20;
  if (s[2] / a.patch[0] * (s[3] / a.patch[1]) > kMostPatches || s[0] > kMostPatches) {
    fail("images are {}; expected at most {} of at most {} patches each", to_string(s),
         kMostPatches, kMostPatches);
  }
}

// Pictures become inputs of the size that the model was made for.
void set_input_size(Config& config, const Architecture& a) {
  const std::array<int, 2> size = made_for(a);
  config.preprocessing.height = size[0];
  config.preprocessing.width = size[1];
}

// Each image's sources to the row of `rows` for it: row `first` for the first, then every
// `stride`-th.
void write_sources(const Sources& sources, int64_t first, int64_t stride, IntArray& rows) {
  const int64_t positions = rows.shape.back();
  for (size_t i = 0; i < sources.batch(); ++i) {
    const int64_t row = first + static_cast<int64_t>(i) * stride;
    std::copy(sources.of(i).begin(), sources.of(i).end(), rows.data.begin() + row * positions);
  }
}

// Tokens and sizes of images that may differ in their number of tokens.
void write_tokens(const Vit<Cpu>::Output& output, int64_t first_image, Result& result) {
  const Tensor& x = output.tokens;
  const int64_t most = result.sizes.shape[1];
  for (int64_t i = 0; i < x.batch(); ++i) {
    const int64_t place = (first_image + i) * most;
    float* to = result.tokens.data.data() + place * x.channels();
    for (int64_t row = x.first(i); row < x.first(i + 1); ++row) {
      to = std::copy_n(x.row(row), x.channels(), to);
    }
    std::copy_n(output.reduction.sizes().begin() + x.first(i), x.tokens(i),
                result.sizes.data.begin() + place);
  }
}

// Where a run of some images of the batch writes what it found.
void write_part(const Vit<Cpu>::Output& output, const Cpu& cpu, int64_t first_image,
                const RunOptions& options, Result& result) {
  const auto write = [&](const Tensor& x, Array& to) {
    const int64_t per_image = elements(to.shape) / to.shape[0];
    cpu.read(x, to.data.data() + first_image * per_image);
  };
  write(output.features, result.features);
  write(output.logits, result.logits);
  const auto depth = static_cast<int64_t>(output.trace.size());
  for (int64_t layer = 0; layer < depth; ++layer) {
    write_sources(output.trace[layer], first_image * depth + layer, depth, result.trace);
  }
  auto route = output.routes.begin();
  for (auto& [layer, positions] : result.routes) {
    std::copy(route->data.begin(), route->data.end(),
              positions.data.begin() + first_image * positions.shape[1]);
    ++route;
  }
  std::copy(output.layer_tokens.data.begin(), output.layer_tokens.data.end(),
            result.layer_tokens.data.begin() + first_image * result.layer_tokens.shape[1]);
  if (!options.want_tokens) return;
  write_tokens(output, first_image, result);
  write_sources(output.reduction.sources(), first_image, 1, result.source);
}

// Cuts padding of `rows` [B, T, ...] to the first `longest` of T.
void cut_rows(Array& rows, int64_t longest) {
  if (rows.shape[1] == longest) return;
  const int64_t size = elements(rows.shape) / (rows.shape[0] * rows.shape[1]);
  for (int64_t image = 1; image < rows.shape[0]; ++image) {
    std::copy_n(rows.data.begin() + image * rows.shape[1] * size, longest * size,
                rows.data.begin() + image * longest * size);
  }
  rows.shape[1] = longest;
  rows.data.resize(elements(rows.shape));
}

}  // namespace

struct Model::State {
  State(Architecture a, Config c, WeightSource& weights, const LoadOptions& options)
      : architecture(std::move(a)),
        config(std::move(c)),
        engine(options.engine ? options.engine
                              : std::make_shared<const Engine>(EngineOptions{
                                    options.threads, options.oversubscribe, options.dtype})),
        vit(Vit<Cpu>::load(*engine->workers().lend(), weights, architecture)) {}

  // What foveal merging compares tokens by; made when it is first asked for.
  const std::vector<Reader<Cpu>>& readers(const MergeOptions& merge) const;

  Result allocate(const Array& images, const Course& course, bool want_tokens) const;
  // readers: of the way to merge.
  void run_images(Cpu& cpu, const Array& images, int64_t begin, int64_t end, const Course& course,
                  const RunOptions& options, std::span<const Reader<Cpu>> readers,
                  Result& result) const;

  Architecture architecture;
  Config config;
  std::vector<std::string> notes;
  std::shared_ptr<const Engine> engine;
  Vit<Cpu> vit;
  mutable std::mutex profile_lock;
  mutable std::mutex readers_lock;
  mutable std::map<int, std::vector<Reader<Cpu>>> readers_of;  // by channels
};

const std::vector<Reader<Cpu>>& Model::State::readers(const MergeOptions& merge) const {
  static const std::vector<Reader<Cpu>> kNone;
  if (merge.method != Method::foveal) return kNone;
  const std::lock_guard lock(readers_lock);
  const auto found = readers_of.find(merge.foveal.channels);
  if (found != readers_of.end()) return found->second;
  return readers_of[merge.foveal.channels] =
             vit.readers(*engine->workers().lend(), merge.foveal.channels);
}

Result Model::State::allocate(const Array& images, const Course& course, bool want_tokens) const {
  const Architecture& a = architecture;
  const Shape& s = images.shape;
  Result result;
  result.features = Array({s[0], a.features()});
  result.logits = Array({s[0], a.classes > 0 ? a.classes : a.features()});
  result.layer_tokens = IntArray({s[0], a.depth});
  const int64_t positions = a.prefix() + s[2] / a.patch[0] * (s[3] / a.patch[1]);
  if (course.trace) result.trace = IntArray({s[0], a.depth, positions});
  // With a threshold it shows only later how many tokens are left.
  const std::vector<int> left =
      course.merge.options.threshold
          ? std::vector<int>(a.depth, static_cast<int>(positions))
          : tokens_per_layer(course.merge, static_cast<int>(positions), a.prefix());
  if (a.routing) {
    for (const int layer : a.routing->predict_after) {
      result.routes[layer] =
          IntArray({s[0], selected_tokens(a, course.keep_ratio, left[layer - 1])});
    }
  }
  if (!want_tokens) return result;
  result.tokens = Array({s[0], left.back(), a.width});
  result.sizes = Array({s[0], left.back()});
  result.source = IntArray({s[0], positions});
  return result;
}

void Model::State::run_images(Cpu& cpu, const Array& images, int64_t begin, int64_t end,
                              const Course& course, const RunOptions& options,
                              std::span<const Reader<Cpu>> readers, Result& result) const {
  const Shape& s = images.shape;
  const Images part{images.data.data() + begin * 3 * s[2] * s[3], end - begin, s[2], s[3]};
  const auto run = [&] {
    write_part(vit.forward(cpu, part, course, readers), cpu, begin, options, result);
  };
  if (options.profile == nullptr) return run();
  Profile profile;
  const auto start = std::chrono::steady_clock::now();
  {
    const Profiled profiled(cpu, &profile);
    run();
  }
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  profile[Work::other] = passed.count() - profile.total();
  const std::lock_guard lock(profile_lock);
  *options.profile += profile;
}

Model::Model(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Model Model::load(const std::filesystem::path& path, const LoadOptions& options) {
  StoredModel stored = open_stored(path, options.heads, options.key);
  set_input_size(stored.config, stored.architecture);
  CheckpointWeights weights(stored.checkpoint);
  auto state = std::make_shared<State>(std::move(stored.architecture), std::move(stored.config),
                                       weights, options);
  state->notes = stored.checkpoint.check_all_used();
  return Model(std::move(state));
}

Model Model::random(const std::string& name, uint64_t seed, const LoadOptions& options) {
  Config config;
  config.architecture = name;
  config.preprocessing.assumed = false;  // nothing is told wrong of random weights
  Architecture architecture = named_architecture(name);
  if (options.heads > 0 && options.heads != architecture.block.heads) {
    fail("{}: has {} heads, --num-heads is {}; expected the same", name, architecture.block.heads,
         options.heads);
  }
  set_input_size(config, architecture);
  RandomWeights weights(seed);
  return Model(
      std::make_shared<State>(std::move(architecture), std::move(config), weights, options));
}

const Architecture& Model::architecture() const { return state_->architecture; }
const Config& Model::config() const { return state_->config; }
std::shared_ptr<const Engine> Model::engine() const { return state_->engine; }
int Model::threads() const { return state_->engine->threads(); }
std::string Model::simd() const { return state_->engine->simd(); }
const std::vector<std::string>& Model::notes() const { return state_->notes; }

void Model::trim() const { state_->engine->trim(); }

Array Model::preprocess(const std::filesystem::path& picture, const ReadOptions& options) const {
  const Preprocessing& spec = state_->config.preprocessing;
  Array image({1, 3, spec.height, spec.width});
  fovea::preprocess(read_image(picture, options), spec, image.data, picture.string());
  return image;
}

std::vector<double> Model::probabilities(std::span<const float> logits) const {
  return fovea::probabilities(logits, state_->config.problem_type);
}

Array dense_features(const Result& result, int64_t image, int prefix) {
  if (result.tokens.shape.size() != 3 || result.source.shape.size() != 2) {
    fail("dense features of a result without tokens; expected one of a run with want_tokens");
  }
  if (image < 0 || image >= result.tokens.shape[0]) {
    fail("dense features of image {}; expected one of the {} of the result, from 0", image,
         result.tokens.shape[0]);
  }
  if (prefix < 0 || prefix > result.source.shape[1]) {
    fail("dense features behind {} prefix tokens; expected from 0 to the {} tokens of the input",
         prefix, result.source.shape[1]);
  }
  const int64_t tokens = result.tokens.shape[1];
  const int64_t channels = result.tokens.shape[2];
  const int64_t positions = result.source.shape[1];
  const auto rows = result.tokens.data.begin() + image * tokens * channels;
  const auto first = result.source.data.begin() + image * positions;
  const Array of_image({1, tokens, channels}, {rows, rows + tokens * channels});
  const IntArray patches({1, positions - prefix}, {first + prefix, first + positions});
  Array dense = unmerge(of_image, patches);
  dense.shape.erase(dense.shape.begin());
  return dense;
}

Result Model::run(const Array& images, const RunOptions& options) const {
  const Architecture& a = state_->architecture;
  Course course = course_of(a, options.merge, options.keep_ratio);
  course.trace = options.want_trace;
  check_images(images, a);
  const std::span<const Reader<Cpu>> readers = state_->readers(options.merge);
  Result result = state_->allocate(images, course, options.want_tokens);
  state_->engine->workers().share_out(images.shape[0], [&](Cpu& cpu, int64_t begin, int64_t end) {
    state_->run_images(cpu, images, begin, end, course, options, readers, result);
  });
  if (options.merge.threshold && options.want_tokens) {
    int32_t longest = 0;
    for (size_t i = a.depth - 1; i < result.layer_tokens.data.size(); i += a.depth) {
      longest = std::max(longest, result.layer_tokens.data[i]);
    }
    cut_rows(result.tokens, longest);
    cut_rows(result.sizes, longest);
  }
  return result;
}

}  // namespace fovea
