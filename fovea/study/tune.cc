#include "fovea/study/tune.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "fovea/backend/input.h"
#include "fovea/io/fail.h"
#include "fovea/model/cost.h"
#include "fovea/report/fidelity.h"
#include "fovea/study/comparison.h"
#include "fovea/study/schedule_search.h"
#include "fovea/tokens/counts.h"

namespace fovea {
namespace {

constexpr size_t kShapes = 2;  // of the usual schedules: the constant and the decreasing one
constexpr double kBeforeThresholds = 0.8;  // of the time of the search
constexpr int kPasses = 11;                // of the clock
constexpr int kFewPasses = 5;              // where many are timed

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// What a picture loses: the distance of the features, each of length 1, to the dense model's. Not
// its square, 2 - 2 cosine, or a few unlucky pictures would decide. Features that are no numbers
// lose all there is.
double distance_of(double cosine) {
  if (!std::isfinite(cosine)) return std::numeric_limits<double>::infinity();
  return std::sqrt(std::max(0.0, 2 - 2 * cosine));
}

double fidelity_of(const Losses& losses) {
  double squares = 0;
  for (const double loss : losses) squares += loss * loss;
  return 1 - squares / (2 * static_cast<double>(losses.size()));
}

class Tuner {
 public:
  Tuner(const Model& model, const Batches& pictures, const TuneOptions& options)
      : model_(model),
        architecture_(model.architecture()),
        pictures_(pictures),
        options_(options),
        merge_(options.ways.front()),
        until_(options.thresholds ? kBeforeThresholds * options.seconds : options.seconds),
        size_(input_of(pictures.front()).grid) {
    look_at_dense();
    set_up_problem();
  }

  Tuned tune() {
    FoundSchedule found =
        options_.fidelity ? fastest_keeping(*options_.fidelity) : best_at_speed(options_.speedup);
    found.schedule = effective(found.schedule);
    until_ = options_.seconds;
    if (!options_.fidelity && options_.thresholds) limit(found);
    return {with(found.schedule), way_};
  }

 private:
  MergeOptions with(const LayerCounts& schedule) const {
    MergeOptions merge = merge_;
    merge.schedule = {};
    merge.schedule.per_layer.assign(schedule.begin(), schedule.end());
    return merge;
  }

  // Of what a schedule counts by: a full window, where layers have some, else an image.
  int tokens() const {
    if (architecture_.window > 0) return architecture_.window * architecture_.window;
    return static_cast<int>(architecture_.patches_of(size_).size()) + architecture_.prefix();
  }

  LayerCounts dense_schedule() const { return LayerCounts(architecture_.depth, 0); }

  // What is really merged, where a schedule asks for more than there is.
  LayerCounts effective(const LayerCounts& schedule) const {
    LayerCounts taken;
    int entering = tokens();
    for (const int leaving : tokens_per_layer(with(schedule), architecture_.depth, tokens(),
                                              architecture_.protected_tokens())) {
      taken.push_back(entering - leaving);
      entering = leaving;
    }
    return taken;
  }

  double operations(const LayerCounts& schedule) const {
    return cost(architecture_, size_, with(schedule)).gflops;
  }

  void look_at_dense() {
    for (const Array& images : pictures_) {
      const Stopwatch stopwatch;
      dense_.push_back(model_.run(images, {.merge = {}, .want_tokens = false}));
      const std::vector<float>& features = dense_.back().features.data;
      if (!std::all_of(features.begin(), features.end(),
                       [](float x) { return std::isfinite(x); })) {
        fail("the model gives features that are not finite, also where nothing merges");
      }
      dense_seconds_ = stopwatch.seconds() / static_cast<double>(images.shape[0]);
    }
  }

  // What the pictures of the first `batches` batches lose, and take in the mean.
  struct Outcome {
    Losses losses;
    double gflops = 0;
  };

  Outcome run(const LayerCounts& schedule, size_t batches) const {
    Outcome outcome;
    const MergeOptions merge = with(schedule);
    for (size_t i = 0; i < batches; ++i) {
      const Result result = model_.run(pictures_[i], {.merge = merge, .want_tokens = false});
      for (int64_t image = 0; image < pictures_[i].shape[0]; ++image) {
        outcome.losses.push_back(
            distance_of(likeness(compared(result), compared(dense_[i]), image)));
      }
      outcome.gflops += gflops_run(model_, pictures_[i], merge, result);
    }
    outcome.gflops /= static_cast<double>(outcome.losses.size());
    return outcome;
  }

  double measured(const LayerCounts& schedule) const {
    return measured_speedups(model_, pictures_, {with(schedule)}, kPasses, options_.stopped)
        .front();
  }

  // What each layer could merge if it were the only one.
  LayerCounts most() const {
    LayerCounts most;
    for (int layer = 0; layer < architecture_.depth; ++layer) {
      most.push_back(count_taken(merge_, kNoLimit, tokens(), architecture_.protected_tokens()));
    }
    return most;
  }

  // The rough losses are of so few pictures that two rounds of the search fit into its time.
  void set_up_problem() {
    const double batch_seconds =
        dense_seconds_ * 0.6 * static_cast<double>(pictures_.front().shape[0]);
    const double fitting = options_.seconds / (2.5 * 2 * architecture_.depth * batch_seconds);
    const size_t rough =
        static_cast<size_t>(std::clamp(fitting, 1.0, static_cast<double>(pictures_.size())));
    problem_.most = most();
    problem_.cost = [this](const LayerCounts& schedule) { return operations(schedule); };
    problem_.losses = [this](const LayerCounts& schedule) {
      return run(schedule, pictures_.size()).losses;
    };
    problem_.rough_losses = [this, rough](const LayerCounts& schedule) {
      return run(schedule, rough).losses;
    };
    problem_.out_of_time = [this] { return options_.stopped() || stopwatch_.seconds() > until_; };
  }

  FoundSchedule judged(const LayerCounts& schedule) const {
    return {schedule, problem_.losses(schedule)};
  }

  // The losses of some usual schedules merging in one way.
  struct Tried {
    size_t way;
    std::vector<FoundSchedule> of_shape;
    Losses all;  // one after the other
  };

  void merge_as(size_t way) {
    way_ = way;
    merge_ = options_.ways[way];
    problem_.most = most();
  }

  Tried tried(size_t way, double target) {
    merge_as(way);
    const std::vector<LayerCounts> usual = usual_schedules(problem_, target);
    Tried tried = {way, {}, {}};
    for (size_t shape = 0; shape < kShapes; ++shape) {
      tried.of_shape.push_back(judged(usual[shape]));
      const Losses& losses = tried.of_shape.back().losses;
      tried.all.insert(tried.all.end(), losses.begin(), losses.end());
    }
    return tried;
  }

  // The best of the constant and the decreasing schedules, in the way that suits them best. Ways
  // are judged by all shapes and shapes by all ways: one schedule alone is rather lucky than good.
  // targets: operations at which each way is as fast as is wanted.
  FoundSchedule start_at(const std::vector<double>& targets) {
    Tried best = tried(0, targets[0]);
    std::vector<double> of_shape(kShapes);
    const auto count = [&](const Tried& some) {
      for (size_t i = 0; i < kShapes; ++i) of_shape[i] += mean(some.of_shape[i].losses);
    };
    count(best);
    for (size_t way = 1; way < options_.ways.size() && !problem_.out_of_time(); ++way) {
      Tried other = tried(way, targets[way]);
      count(other);
      if (clearly_less(other.all, best.all)) best = std::move(other);
    }
    merge_as(best.way);
    const auto shape = std::min_element(of_shape.begin(), of_shape.end()) - of_shape.begin();
    return best.of_shape[static_cast<size_t>(shape)];
  }

  FoundSchedule improve(const FoundSchedule& start, double target) {
    FoundSchedule found = improve_schedule(problem_, start, target);
    options_.tell(fmt::format("{:.0f} s: fidelity {:.5f} with {:.2f} times fewer operations",
                              stopwatch_.seconds(), fidelity_of(found.losses),
                              operations(dense_schedule()) / operations(found.schedule)));
    return found;
  }

  // Operations that say how fast it is but for a few percent, which the clock then tells.
  FoundSchedule best_at_speed(double speedup) {
    const double dense = operations(dense_schedule());
    const double least = operations(most());
    if (least > dense / speedup) {
      fail("--speedup {}: is more than merging gives this model; expected at most about {:.2f}",
           speedup, dense / least);
    }
    const std::vector<double> targets = corrected(dense / speedup, speedup, least);
    FoundSchedule found = start_at(targets);
    double target = targets[way_];
    found = improve(found, target);
    for (int i = 0; i < 2 && !options_.stopped(); ++i) {
      const double reached = measured(found.schedule);
      options_.tell(
          fmt::format("{:.0f} s: measured speed-up {:.3f}", stopwatch_.seconds(), reached));
      if (reached >= 0.98 * speedup && reached < 1.04 * speedup) break;  // as near as clocks agree
      target = operations(found.schedule) * std::clamp(reached / speedup, 0.9, 1.1);
      found = rescaled(found.schedule, std::max(least, target));
    }
    return found;
  }

  // The operations at which the clock, to judge by the constant schedule of `target` operations,
  // will give `speedup`, for each way. A correction beyond 15 % would rather be the noise of a busy
  // machine.
  std::vector<double> corrected(double target, double speedup, double least) {
    std::vector<MergeOptions> constant;
    for (size_t way = 0; way < options_.ways.size(); ++way) {
      merge_as(way);
      constant.push_back(with(usual_schedules(problem_, target).front()));
    }
    const std::vector<double> speeds =
        measured_speedups(model_, pictures_, constant, kFewPasses, options_.stopped);
    std::vector<double> targets;
    for (const double speed : speeds) {
      targets.push_back(std::max(least, target * std::clamp(speed / speedup, 0.85, 1.15)));
    }
    merge_as(0);
    return targets;
  }

  FoundSchedule rescaled(const LayerCounts& schedule, double target) const {
    return judged(scaled_to(problem_, {schedule.begin(), schedule.end()}, target));
  }

  // Lets pictures that have nothing alike left stop early, and others merge more, at no more
  // operations in the mean: `found` becomes the limit, merge_ with its threshold, where that is
  // clearly better.
  void limit(FoundSchedule& found) {
    if (architecture_.routing || merge_.method == Method::foveal ||
        merge_.matching != Matching::bipartite || merge_.distance != Distance::cosine) {
      return;
    }
    const double target = operations(found.schedule);
    FoundSchedule best = found;
    MergeOptions chosen = merge_;
    for (const float threshold : {0.94F, 0.9F, 0.86F}) {
      merge_.threshold = threshold;
      const std::optional<FoundSchedule> limited = raised_to(found.schedule, target);
      if (limited && clearly_less(limited->losses, found.losses) &&
          mean(limited->losses) < mean(best.losses)) {
        best = *limited;
        chosen = merge_;
      }
    }
    merge_ = chosen;
    found = best;
  }

  // A multiple of a schedule that takes no more than `target` operations in the mean: the least of
  // some, as more would only lose more.
  std::optional<FoundSchedule> raised_to(const LayerCounts& schedule, double target) const {
    for (const double more : {1.1, 1.2, 1.35}) {
      if (problem_.out_of_time()) return std::nullopt;
      LayerCounts raised;
      for (const int r : schedule) raised.push_back(static_cast<int>(std::lround(r * more)));
      Outcome outcome = run(raised, pictures_.size());
      if (outcome.gflops <= target) return FoundSchedule{raised, std::move(outcome.losses)};
    }
    return std::nullopt;
  }

  bool keeps(const FoundSchedule& found, double fidelity) const {
    return fidelity_of(found.losses) >= fidelity;
  }

  // The fastest schedule of a shape that keeps `fidelity`, by halving; `kept` where none does.
  FoundSchedule fastest_of(const std::vector<double>& shape, double fidelity,
                           const FoundSchedule& kept) const {
    FoundSchedule best = kept;
    double low = operations(most());
    double high = operations(kept.schedule);
    for (int i = 0; i < 7 && !options_.stopped(); ++i) {
      const double middle = (low + high) / 2;
      const FoundSchedule found = judged(scaled_to(problem_, shape, middle));
      const bool good = keeps(found, fidelity);
      (good ? high : low) = middle;
      if (good) best = found;
    }
    return best;
  }

  // Improves the fastest constant schedule that keeps `fidelity`, at its speed, and then turns what
  // that won into speed.
  FoundSchedule fastest_keeping(double fidelity) {
    const LayerCounts dense = dense_schedule();
    const FoundSchedule nothing = judged(dense);
    FoundSchedule constant =
        fastest_of(std::vector<double>(architecture_.depth, 1), fidelity, nothing);
    if (effective(constant.schedule) == dense) return constant;
    const double target = operations(constant.schedule);
    const FoundSchedule found =
        improve(start_at(std::vector<double>(options_.ways.size(), target)), target);
    if (!keeps(found, fidelity)) {
      merge_as(0);
      return constant;
    }
    return fastest_of({found.schedule.begin(), found.schedule.end()}, fidelity, found);
  }

  const Model& model_;
  const Architecture& architecture_;
  const Batches& pictures_;
  const TuneOptions& options_;
  MergeOptions merge_;
  size_t way_ = 0;
  double until_;  // seconds
  Grid size_;     // of a picture
  Stopwatch stopwatch_;
  std::vector<Result> dense_;
  double dense_seconds_ = 0;
  ScheduleProblem problem_;
};

}  // namespace

Tuned tune(const Model& model, const Batches& pictures, const TuneOptions& options) {
  return Tuner(model, pictures, options).tune();
}

}  // namespace fovea
