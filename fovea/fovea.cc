#include "fovea/fovea.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>
#include <span>
#include <utility>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/backend/cpu/profiled.h"
#include "fovea/backend/input.h"
#include "fovea/data/image.h"
#include "fovea/data/model_input.h"
#include "fovea/engine/workers.h"
#include "fovea/io/fail.h"
#include "fovea/model/labels.h"
#include "fovea/model/stored.h"
#include "fovea/model/usual_preprocessing.h"
#include "fovea/model/vit.h"
#include "fovea/model/weights.h"
#include "fovea/result_writer.h"

namespace fovea {
namespace {

void check_inputs(const Array& inputs, const Architecture& a) {
  constexpr int64_t kMostPatches = 1 << 20;
  const auto [what, extents] = input_text(a);
  const Shape& s = inputs.shape;
  const std::string are = fmt::format("{} are {}", what, to_string(s));
  const size_t rank = input_shape(a, 1, {}).size();
  if (s.size() != rank || (rank > 3 && s[1] != a.in_channels)) {
    fail("{}; expected {}", are, extents);
  }
  if (checked_elements(s) != static_cast<int64_t>(inputs.data.size())) {
    fail("{} but hold {} values; expected as many as their shape says", are, inputs.data.size());
  }
  if (s[0] < 1) fail("{}; expected at least one", are);
  if (*std::ranges::max_element(s) > std::numeric_limits<int>::max()) {
    fail("{}; expected extents of at most {}", are, std::numeric_limits<int>::max());
  }
  const Grid size = input_of(inputs).grid;
  check_input_size(are, size, a);
  if (a.patches_of(size).size() > kMostPatches || s[0] > kMostPatches) {
    fail("{}; expected at most {} of at most {} patches each", are, kMostPatches, kMostPatches);
  }
}

// Pictures become inputs of the size that the model was made for.
void set_input_size(Config& config, const Architecture& a) {
  const Grid size = made_for(a);
  config.preprocessing.height = size.rows;
  config.preprocessing.width = size.columns;
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

  // readers: of the way to merge.
  void run_images(Cpu& cpu, const Array& images, int64_t begin, int64_t end, const Course& course,
                  std::span<const Reader<Cpu>> readers, Profile* total, ResultWriter& writer) const;

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

void Model::State::run_images(Cpu& cpu, const Array& images, int64_t begin, int64_t end,
                              const Course& course, std::span<const Reader<Cpu>> readers,
                              Profile* total, ResultWriter& writer) const {
  const Input part = input_of(images, begin, end);
  const auto run = [&] { writer.write(vit.forward(cpu, part, course, readers), cpu, begin); };
  if (total == nullptr) return run();
  Profile profile;
  const auto start = std::chrono::steady_clock::now();
  {
    const Profiled profiled(cpu, &profile);
    run();
  }
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  profile[Work::other] = passed.count() - profile.total();
  const std::lock_guard lock(profile_lock);
  *total += profile;
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
  set_usual_preprocessing(architecture, config);
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

Array Model::preprocess(const std::filesystem::path& file, const ReadOptions& options) const {
  Array input =
      read_input(MediaFiles({file}, options), 0, input_spec(state_->architecture, state_->config));
  input.shape.insert(input.shape.begin(), 1);
  return input;
}

std::vector<double> Model::probabilities(std::span<const float> logits) const {
  return fovea::probabilities(logits, state_->config.problem_type);
}

namespace {

Array dense_of(const Array& all_tokens, const IntArray& source, int64_t image, int prefix) {
  if (all_tokens.shape.size() != 3 || source.shape.size() != 2) {
    fail("dense features of a result without tokens; expected one of a run with want_tokens");
  }
  if (image < 0 || image >= all_tokens.shape[0]) {
    fail("dense features of image {}; expected one of the {} of the result, from 0", image,
         all_tokens.shape[0]);
  }
  if (prefix < 0 || prefix > source.shape[1]) {
    fail("dense features behind {} prefix tokens; expected from 0 to the {} tokens of the input",
         prefix, source.shape[1]);
  }
  const int64_t tokens = all_tokens.shape[1];
  const int64_t channels = all_tokens.shape[2];
  const int64_t positions = source.shape[1];
  const auto rows = all_tokens.data.begin() + image * tokens * channels;
  const auto first = source.data.begin() + image * positions;
  const Array of_image({1, tokens, channels}, {rows, rows + tokens * channels});
  const IntArray patches({1, positions - prefix}, {first + prefix, first + positions});
  Array dense = unmerge(of_image, patches);
  dense.shape.erase(dense.shape.begin());
  return dense;
}

}  // namespace

Array dense_features(const Result& result, int64_t image, int prefix) {
  return dense_of(result.tokens, result.source, image, prefix);
}

Array dense_features(const LayerResult& layer, int64_t image, int prefix) {
  return dense_of(layer.tokens, layer.source, image, prefix);
}

Result Model::run(const Array& images, const RunOptions& options) const {
  const Architecture& a = state_->architecture;
  Course course = course_of(a, options.merge, options.keep_ratio);
  keep_on_the_way(a, options.layers, options.want_attention, course);
  course.trace = options.want_trace;
  if (!options.want_tokens) read_pooled_alone(a, course);
  check_inputs(images, a);
  const std::span<const Reader<Cpu>> readers = state_->readers(options.merge);
  ResultWriter writer(a, images, course, options.want_tokens);
  state_->engine->workers().share_out(images.shape[0], [&](Cpu& cpu, int64_t begin, int64_t end) {
    state_->run_images(cpu, images, begin, end, course, readers, options.profile, writer);
  });
  return writer.finish();
}

}  // namespace fovea
