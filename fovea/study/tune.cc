#include "fovea/study/tune.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/study/schedule_search.h"
#include "fovea/tokens/counts.h"

namespace fovea {
namespace {

constexpr size_t kShapes = 3;  // of the usual schedules: those that do not increase

// What is timed: a few pictures, often. Of short runs some find the machine at rest.
Array timed_pictures(const Model& model, const Batches& pictures) {
  Array some = pictures.front();
  const int64_t count = std::min<int64_t>(some.shape[0], std::max(4, model.threads()));
  some.data.resize(some.data.size() / static_cast<size_t>(some.shape[0]) *
                   static_cast<size_t>(count));
  some.shape[0] = count;
  return some;
}

// How many times faster than the dense model each setting is: the median over passes, in each of
// which all run one after the other, so that a busy machine slows them alike.
std::vector<double> measured_speedups(const Model& model, const Batches& pictures,
                                      const std::vector<MergeOptions>& merges,
                                      const std::function<bool()>& stopped) {
  constexpr int kPasses = 11;
  const Array images = timed_pictures(model, pictures);
  std::vector<std::vector<double>> ratios(merges.size());
  for (int pass = 0; pass < kPasses && (pass == 0 || !stopped()); ++pass) {
    Comparison comparison(model, merges);
    comparison.add(images, true);
    for (size_t i = 0; i < merges.size(); ++i) {
      ratios[i].push_back(comparison.score(i + 1).images_per_second() /
                          comparison.score(0).images_per_second());
    }
  }
  std::vector<double> speedups;
  for (std::vector<double>& of_one : ratios) {
    const auto middle = of_one.begin() + static_cast<std::ptrdiff_t>(of_one.size() / 2);
    std::nth_element(of_one.begin(), middle, of_one.end());
    speedups.push_back(*middle);
  }
  return speedups;
}

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
        merge_(options.merge),
        height_(static_cast<int>(pictures.front().shape[2])),
        width_(static_cast<int>(pictures.front().shape[3])) {
    look_at_dense();
    set_up_problem();
  }

  MergeOptions tune() {
    const FoundSchedule found =
        options_.fidelity ? fastest_keeping(*options_.fidelity) : best_at_speed(options_.speedup);
    return with(effective(found.schedule));
  }

 private:
  MergeOptions with(const LayerCounts& schedule) const {
    MergeOptions merge = merge_;
    merge.schedule = {};
    merge.schedule.per_layer.assign(schedule.begin(), schedule.end());
    return merge;
  }

  int tokens() const {
    return height_ / architecture_.patch[0] * (width_ / architecture_.patch[1]) +
           architecture_.prefix();
  }

  LayerCounts dense_schedule() const { return LayerCounts(architecture_.depth, 0); }

  // What is really merged, where a schedule asks for more than there is.
  LayerCounts effective(const LayerCounts& schedule) const {
    LayerCounts taken;
    int entering = tokens();
    for (const int leaving :
         tokens_per_layer(with(schedule), architecture_.depth, tokens(), architecture_.prefix())) {
      taken.push_back(entering - leaving);
      entering = leaving;
    }
    return taken;
  }

  double operations(const LayerCounts& schedule) const {
    return cost(architecture_, height_, width_, with(schedule)).gflops;
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

  // Of each picture of the first `batches` batches.
  Losses losses(const LayerCounts& schedule, size_t batches) const {
    Losses losses;
    for (size_t i = 0; i < batches; ++i) {
      const Array& dense = dense_[i].features;
      const Result result =
          model_.run(pictures_[i], {.merge = with(schedule), .want_tokens = false});
      const auto width = static_cast<size_t>(dense.shape[1]);
      for (size_t at = 0; at < dense.data.size(); at += width) {
        const double likeness = cosine(std::span(dense.data).subspan(at, width),
                                       std::span(result.features.data).subspan(at, width));
        losses.push_back(distance_of(likeness));
      }
    }
    return losses;
  }

  double measured(const LayerCounts& schedule) const {
    return measured_speedups(model_, pictures_, {with(schedule)}, options_.stopped).front();
  }

  // What each layer could merge if it were the only one.
  LayerCounts most() const {
    LayerCounts most;
    for (int layer = 0; layer < architecture_.depth; ++layer) {
      most.push_back(count_taken(merge_, kNoLimit, tokens(), architecture_.prefix()));
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
      return losses(schedule, pictures_.size());
    };
    problem_.rough_losses = [this, rough](const LayerCounts& schedule) {
      return losses(schedule, rough);
    };
    problem_.out_of_time = [this] {
      return options_.stopped() || stopwatch_.seconds() > options_.seconds;
    };
  }

  FoundSchedule judged(const LayerCounts& schedule) const {
    return {schedule, problem_.losses(schedule)};
  }

  // The losses of some usual schedules with one metric.
  struct Tried {
    Metric metric;
    std::vector<FoundSchedule> of_shape;
    Losses all;  // one after the other
  };

  Tried tried(Metric metric, double target) {
    merge_.metric = metric;
    const std::vector<LayerCounts> usual = usual_schedules(problem_, target);
    Tried tried = {metric, {}, {}};
    for (size_t shape = 0; shape < kShapes; ++shape) {
      tried.of_shape.push_back(judged(usual[shape]));
      const Losses& losses = tried.of_shape.back().losses;
      tried.all.insert(tried.all.end(), losses.begin(), losses.end());
    }
    return tried;
  }

  // The best of the constant and the decreasing schedules, with the metric that suits them best.
  // Metrics are judged by all shapes and shapes by all metrics: one schedule alone is rather lucky
  // than good.
  FoundSchedule start_at(double target) {
    Tried best = tried(options_.merge.metric, target);
    std::vector<double> of_shape(kShapes);
    const auto count = [&](const Tried& some) {
      for (size_t i = 0; i < kShapes; ++i) of_shape[i] += mean(some.of_shape[i].losses);
    };
    count(best);
    for (const Metric metric : {Metric::k, Metric::k_concat, Metric::q, Metric::v, Metric::x}) {
      if (!options_.any_metric || metric == options_.merge.metric) continue;
      if (metric == Metric::q && architecture_.routing) continue;  // not all tokens have queries
      if (problem_.out_of_time()) break;
      Tried other = tried(metric, target);
      count(other);
      if (clearly_less(other.all, best.all)) best = std::move(other);
    }
    merge_.metric = best.metric;
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
    const LayerCounts constant = usual_schedules(problem_, dense / speedup).front();
    double target = std::max(least, corrected(constant, speedup));
    FoundSchedule found = improve(start_at(target), target);
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

  // The operations at which the clock, to judge by `schedule`, will give `speedup`. A correction
  // beyond 15 % would rather be the noise of a busy machine.
  double corrected(const LayerCounts& schedule, double speedup) const {
    return operations(schedule) * std::clamp(measured(schedule) / speedup, 0.85, 1.15);
  }

  FoundSchedule rescaled(const LayerCounts& schedule, double target) const {
    return judged(scaled_to(problem_, {schedule.begin(), schedule.end()}, target));
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
    const FoundSchedule found = improve(start_at(target), target);
    if (!keeps(found, fidelity)) return constant;
    return fastest_of({found.schedule.begin(), found.schedule.end()}, fidelity, found);
  }

  const Model& model_;
  const Architecture& architecture_;
  const Batches& pictures_;
  const TuneOptions& options_;
  MergeOptions merge_;
  int height_;
  int width_;
  Stopwatch stopwatch_;
  std::vector<Result> dense_;
  double dense_seconds_ = 0;
  ScheduleProblem problem_;
};

// What a usual schedule of around r is called beside the tuned one.
MergeOptions usual(const MergeOptions& tuned, int r, double inflect) {
  MergeOptions merge = tuned;
  merge.schedule = {};
  merge.schedule.r = r;
  merge.schedule.inflect = inflect;
  return merge;
}

// The largest r whose operations are no fewer than those of `tuned`.
int r_as_costly(const Model& model, const Array& images, const MergeOptions& tuned, double inflect,
                Metric metric) {
  const Architecture& a = model.architecture();
  const int height = static_cast<int>(images.shape[2]);
  const int width = static_cast<int>(images.shape[3]);
  const double wanted = cost(a, height, width, tuned).gflops;
  const int patches = height / a.patch[0] * (width / a.patch[1]);
  MergeOptions merge = tuned;
  merge.metric = metric;
  int r = 0;
  while (r < patches && cost(a, height, width, usual(merge, r + 1, inflect)).gflops >= wanted) ++r;
  return r;
}

}  // namespace

MergeOptions tune(const Model& model, const Batches& pictures, const TuneOptions& options) {
  return Tuner(model, pictures, options).tune();
}

std::vector<JudgedSchedule> judge(const Model& model, const Batches& held_out,
                                  const MergeOptions& tuned, const MergeOptions& plain) {
  std::vector<JudgedSchedule> rows = {{"dense", {}, {}}};
  for (const double inflect : {0.0, -1.0}) {
    for (const Metric metric : {plain.metric, tuned.metric}) {
      const int r = r_as_costly(model, held_out.front(), tuned, inflect, metric);
      MergeOptions merge = usual(tuned, r, inflect);
      merge.metric = metric;
      rows.push_back({inflect == 0 ? "constant" : "decreasing", merge, {}});
      if (plain.metric == tuned.metric) break;
    }
  }
  rows.push_back({"tuned", tuned, {}});
  std::vector<MergeOptions> merges;
  for (size_t i = 1; i < rows.size(); ++i) merges.push_back(rows[i].merge);
  Comparison comparison(model, merges);
  for (const Array& images : held_out) comparison.add(images, false);
  const std::vector<double> speedups =
      measured_speedups(model, held_out, merges, [] { return false; });
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].score = comparison.score(i);
    if (i > 0) rows[i].speedup = speedups[i - 1];
  }
  return rows;
}

}  // namespace fovea
