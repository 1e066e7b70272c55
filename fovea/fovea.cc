#include "fovea/fovea.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <span>
#include <utility>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/backend/cpu/processors.h"
#include "fovea/backend/cpu/profiled.h"
#include "fovea/data/image.h"
#include "fovea/data/preprocess.h"
#include "fovea/io/fail.h"
#include "fovea/model/labels.h"
#include "fovea/model/stored.h"
#include "fovea/model/vit.h"
#include "fovea/model/weights.h"
#include "fovea/tokens/counts.h"
#include "fovea/tokens/routing.h"

namespace fovea {
namespace {

// Backends with warm arenas, kept between runs.
class Workspaces {
 public:
  // Keeps at most `most_idle`, however many are lent at once.
  Workspaces(SimdLevel level, Dtype dtype, std::shared_ptr<Threads> threads, int most_idle)
      : level_(level), dtype_(dtype), threads_(std::move(threads)), most_idle_(most_idle) {
    idle_.reserve(most_idle_);  // giving back must not fail
  }

  // Lends a backend for as long as the pointer lives.
  std::shared_ptr<Cpu> lend() {
    std::unique_ptr<Cpu> cpu = take_idle();
    if (!cpu) cpu = std::make_unique<Cpu>(level_, dtype_, threads_);
    return {cpu.release(), [this](Cpu* used) { give_back(std::unique_ptr<Cpu>(used)); }};
  }

  // Lets go of all that is idle.
  void trim() {
    while (take_idle()) {
    }
  }

 private:
  // Null where none is idle.
  std::unique_ptr<Cpu> take_idle() {
    const std::lock_guard lock(lock_);
    if (idle_.empty()) return nullptr;
    std::unique_ptr<Cpu> cpu = std::move(idle_.back());
    idle_.pop_back();
    return cpu;
  }

  void give_back(std::unique_ptr<Cpu> cpu) {
    const std::lock_guard lock(lock_);
    if (idle_.size() < most_idle_) idle_.push_back(std::move(cpu));
  }

  SimdLevel level_;
  Dtype dtype_;
  std::shared_ptr<Threads> threads_;
  size_t most_idle_;
  std::mutex lock_;
  std::vector<std::unique_ptr<Cpu>> idle_;
};

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
        level(chosen_level()),
        threads(std::make_shared<Threads>(
            options.oversubscribe ? options.threads : threads_to_start(options.threads))),
        shared(level, options.dtype, threads, threads->count()),
        serial(level, options.dtype, std::make_shared<Threads>(1), threads->count()),
        vit(Vit<Cpu>::load(*shared.lend(), weights, architecture)) {}

  // What foveal merging compares tokens by; made when it is first asked for.
  const std::vector<Reader<Cpu>>& readers(const MergeOptions& merge) const;

  Result allocate(const Array& images, const RunOptions& options) const;
  // readers: of the way to merge.
  void run_images(const std::shared_ptr<Cpu>& cpu, const Array& images, int64_t begin, int64_t end,
                  const RunOptions& options, std::span<const Reader<Cpu>> readers,
                  Result& result) const;

  Architecture architecture;
  Config config;
  std::vector<std::string> notes;
  SimdLevel level;
  std::shared_ptr<Threads> threads;
  mutable Workspaces shared;  // spread one image over the threads
  mutable Workspaces serial;  // one image to a thread
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
  return readers_of[merge.foveal.channels] = vit.readers(*shared.lend(), merge.foveal.channels);
}

Result Model::State::allocate(const Array& images, const RunOptions& options) const {
  const Architecture& a = architecture;
  const Shape& s = images.shape;
  Result result;
  result.features = Array({s[0], a.features()});
  result.logits = Array({s[0], a.classes > 0 ? a.classes : a.features()});
  result.layer_tokens = IntArray({s[0], a.depth});
  const int64_t positions = a.prefix() + s[2] / a.patch[0] * (s[3] / a.patch[1]);
  if (options.want_trace) result.trace = IntArray({s[0], a.depth, positions});
  if (a.routing) {
    const std::vector<int> left =
        tokens_per_layer(options.merge, a.depth, static_cast<int>(positions), a.prefix());
    for (const int layer : a.routing->predict_after) {
      const int selected =
          selected_tokens(a, keep_ratio_of(a, options.keep_ratio), left[layer - 1]);
      result.routes[layer] = IntArray({s[0], selected});
    }
  }
  if (!options.want_tokens) return result;
  // With a threshold it shows only later how many tokens are left.
  const int64_t left =
      options.merge.threshold
          ? positions
          : tokens_per_layer(options.merge, a.depth, static_cast<int>(positions), a.prefix())
                .back();
  result.tokens = Array({s[0], left, a.width});
  result.sizes = Array({s[0], left});
  result.source = IntArray({s[0], positions});
  return result;
}

void Model::State::run_images(const std::shared_ptr<Cpu>& cpu, const Array& images, int64_t begin,
                              int64_t end, const RunOptions& options,
                              std::span<const Reader<Cpu>> readers, Result& result) const {
  const Shape& s = images.shape;
  const Images part{images.data.data() + begin * 3 * s[2] * s[3], end - begin, s[2], s[3]};
  const auto run = [&] {
    const double keep_ratio = keep_ratio_of(architecture, options.keep_ratio);
    write_part(vit.forward(*cpu, part, options.merge, options.want_trace, keep_ratio, readers),
               *cpu, begin, options, result);
  };
  if (options.profile == nullptr) return run();
  Profile profile;
  const auto start = std::chrono::steady_clock::now();
  {
    const Profiled profiled(*cpu, &profile);
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
  if (options.heads > 0 && options.heads != architecture.heads) {
    fail("{}: has {} heads, --num-heads is {}; expected the same", name, architecture.heads,
         options.heads);
  }
  set_input_size(config, architecture);
  RandomWeights weights(seed);
  return Model(
      std::make_shared<State>(std::move(architecture), std::move(config), weights, options));
}

const Architecture& Model::architecture() const { return state_->architecture; }
const Config& Model::config() const { return state_->config; }
int Model::threads() const { return state_->threads->count(); }
std::string Model::simd() const { return to_string(state_->level); }
const std::vector<std::string>& Model::notes() const { return state_->notes; }

void Model::trim() const {
  state_->shared.trim();
  state_->serial.trim();
}

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
  check_merges(options.merge, a);
  keep_ratio_of(a, options.keep_ratio);
  check_images(images, a);
  const std::span<const Reader<Cpu>> readers = state_->readers(options.merge);
  Result result = state_->allocate(images, options);
  const int64_t batch = images.shape[0];
  const int64_t threads = state_->threads->count();
  // Whole images to each thread as far as they share out evenly, a few at a time, so that a weight
  // that was fetched serves all of these; the rest are run one by one, every operation spread over
  // all threads.
  constexpr int64_t kTogether = 2;
  const int64_t each = batch / threads;
  const int64_t shared_out = threads == 1 ? 0 : each * threads;
  const int64_t tasks = shared_out == 0 ? 0 : threads * ((each + kTogether - 1) / kTogether);
  state_->threads->run(tasks, [&](int64_t task, int) {
    state_->run_images(state_->serial.lend(), images, shared_out * task / tasks,
                       shared_out * (task + 1) / tasks, options, readers, result);
  });
  for (int64_t image = shared_out; image < batch; ++image) {
    state_->run_images(state_->shared.lend(), images, image, image + 1, options, readers, result);
  }
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
