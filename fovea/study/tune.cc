#include "fovea/study/tune.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "fovea/study/schedule_search.h"
#include "fovea/study/time_model.h"
#include "fovea/tokens/counts.h"

namespace fovea {
namespace {

constexpr size_t kTimedBatches = 2;

// Times the first batches, which were timed once, again, until it is `passes` times.
void time_passes(Comparison& comparison, const Batches& pictures, int passes) {
  for (int pass = 1; pass < passes; ++pass) {
    for (size_t i = 0; i < std::min(pictures.size(), kTimedBatches); ++i) {
      comparison.time_again(pictures[i], i);
    }
  }
}

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

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
    fit_times();
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
    merge.schedule.per_layer = schedule;
    return merge;
  }

  std::vector<int> leaving(const LayerCounts& schedule) const {
    return tokens_per_layer(with(schedule), architecture_.depth, tokens(), architecture_.prefix());
  }

  int tokens() const {
    return height_ / architecture_.patch[0] * (width_ / architecture_.patch[1]) +
           architecture_.prefix();
  }

  TimeModel::Sample sample_of(const LayerCounts& schedule) const {
    TimeModel::Sample sample;
    sample.leaving = leaving(schedule);
    sample.entering = {tokens()};
    sample.entering.insert(sample.entering.end(), sample.leaving.begin(),
                           std::prev(sample.leaving.end()));
    return sample;
  }

  // What is really merged, where a schedule asks for more than there is.
  LayerCounts effective(const LayerCounts& schedule) const {
    const TimeModel::Sample sample = sample_of(schedule);
    LayerCounts taken;
    for (size_t layer = 0; layer < schedule.size(); ++layer) {
      taken.push_back(sample.entering[layer] - sample.leaving[layer]);
    }
    return taken;
  }

  double predicted(const LayerCounts& schedule) const {
    const TimeModel::Sample sample = sample_of(schedule);
    return times_->seconds(sample.entering, sample.leaving);
  }

  void look_at_dense() {
    for (const Array& images : pictures_) {
      const Stopwatch stopwatch;
      dense_.push_back(model_.run(images, {.merge = {}, .want_tokens = false}));
      dense_seconds_ = stopwatch.seconds() / static_cast<double>(images.shape[0]);
    }
  }

  // 1 - cosine, of each picture of the first `batches` batches.
  Losses losses(const LayerCounts& schedule, size_t batches) const {
    Losses losses;
    for (size_t i = 0; i < batches; ++i) {
      const Array& dense = dense_[i].features;
      const Result result =
          model_.run(pictures_[i], {.merge = with(schedule), .want_tokens = false});
      const size_t width = static_cast<size_t>(dense.shape[1]);
      for (size_t at = 0; at < dense.data.size(); at += width) {
        losses.push_back(1 - cosine(std::span(dense.data).subspan(at, width),
                                    std::span(result.features.data).subspan(at, width)));
      }
    }
    return losses;
  }

  // Seconds for an image of each, the dense model first, side by side.
  std::vector<double> timed(const std::vector<LayerCounts>& schedules, int passes) const {
    std::vector<MergeOptions> merges;
    for (const LayerCounts& schedule : schedules) merges.push_back(with(schedule));
    Comparison comparison(model_, merges);
    for (size_t i = 0; i < std::min(pictures_.size(), kTimedBatches); ++i) {
      comparison.add(pictures_[i], true);
    }
    time_passes(comparison, pictures_, passes);
    std::vector<double> seconds;
    for (size_t i = 0; i < comparison.size(); ++i) {
      seconds.push_back(1 / comparison.score(i).images_per_second());
    }
    return seconds;
  }

  // Times schedules of several shapes and amounts.
  void fit_times() {
    ScheduleProblem by_operations;
    by_operations.most = most();
    by_operations.cost = [&](const LayerCounts& schedule) {
      return gflops(architecture_, height_, width_, with(schedule), leaving(schedule));
    };
    const LayerCounts dense(architecture_.depth, 0);
    std::vector<LayerCounts> schedules;
    for (const double share : {0.8, 0.6, 0.45}) {
      const std::vector<LayerCounts> usual =
          usual_schedules(by_operations, share * by_operations.cost(dense));
      for (const size_t shape : {0, 2, 4}) schedules.push_back(usual[shape]);
    }
    const std::vector<double> seconds = timed(schedules, 3);
    schedules.insert(schedules.begin(), dense);
    std::vector<TimeModel::Sample> samples;
    for (size_t i = 0; i < schedules.size(); ++i) {
      samples.push_back(sample_of(schedules[i]));
      samples.back().seconds = seconds[i];
    }
    const double mlp = 2.0 * architecture_.mlp_width;
    times_.emplace(samples, mlp / (mlp + 4.0 * architecture_.width));
    dense_seconds_ = predicted(dense);
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
    problem_.cost = [this](const LayerCounts& schedule) { return predicted(schedule); };
    problem_.losses = [this](const LayerCounts& schedule) {
      return losses(schedule, pictures_.size());
    };
    problem_.rough_losses = [this, rough](const LayerCounts& schedule) {
      return losses(schedule, rough);
    };
    problem_.out_of_time = [this] {
      return options_.stopped() || stopwatch_.seconds() > deadline_;
    };
  }

  FoundSchedule judged(const LayerCounts& schedule) const {
    return {schedule, problem_.losses(schedule)};
  }

  // The constant schedule, or another of the usual ones that is clearly better; with the metric
  // that suits it best.
  FoundSchedule start_at(double target) {
    const std::vector<LayerCounts> usual = usual_schedules(problem_, target);
    FoundSchedule best = judged(usual.front());
    for (size_t i = 1; i < usual.size(); ++i) {
      const FoundSchedule other = judged(usual[i]);
      if (clearly_less(other.losses, best.losses)) best = other;
    }
    return with_best_metric(best);
  }

  // Another metric must be clearly better, too.
  FoundSchedule with_best_metric(FoundSchedule best) {
    if (!options_.any_metric) return best;
    Metric chosen = merge_.metric;
    for (const Metric metric : {Metric::k, Metric::q, Metric::v, Metric::x}) {
      if (metric == options_.merge.metric) continue;
      merge_.metric = metric;
      const FoundSchedule other = judged(best.schedule);
      if (!clearly_less(other.losses, best.losses)) continue;
      best = other;
      chosen = metric;
    }
    merge_.metric = chosen;
    return best;
  }

  // Searches until `share` of the time is over.
  FoundSchedule improve(const FoundSchedule& start, double target, double share) {
    deadline_ = share * options_.seconds;
    FoundSchedule found = improve_schedule(problem_, start, target);
    options_.tell(fmt::format("{:.0f} s: fidelity {:.5f} at a predicted speed-up of {:.2f}",
                              stopwatch_.seconds(), 1 - mean(found.losses),
                              dense_seconds_ / predicted(found.schedule)));
    return found;
  }

  FoundSchedule best_at_speed(double speedup) {
    double target = dense_seconds_ / speedup;
    const double least = predicted(most());
    if (least > target) {
      fail(
          "--speedup {}: is more than merging gives this model here; expected at most about {:.2f}",
          speedup, dense_seconds_ / least);
    }
    FoundSchedule found = improve(start_at(target), target, 1);
    // Predictions are a few percent off: holds them against the clock, and mends them.
    for (int i = 0; i < 3; ++i) {
      const std::vector<double> seconds = timed({found.schedule}, 8);
      const double measured = seconds[0] / seconds[1];
      options_.tell(
          fmt::format("{:.0f} s: measured speed-up {:.3f}", stopwatch_.seconds(), measured));
      if (measured >= speedup && measured < 1.015 * speedup) break;
      // A little faster than asked for, so that it still is when measured again.
      target = std::max(least, predicted(found.schedule) * measured / (1.005 * speedup));
      found = rescaled(found.schedule, target);
    }
    return found;
  }

  FoundSchedule rescaled(const LayerCounts& schedule, double target) const {
    return judged(scaled_to(problem_, {schedule.begin(), schedule.end()}, target));
  }

  bool keeps(const FoundSchedule& found, double fidelity) const {
    return 1 - mean(found.losses) >= fidelity;
  }

  // The fastest schedule of a shape that keeps `fidelity`, by halving; `kept` where none does.
  FoundSchedule fastest_of(const std::vector<double>& shape, double fidelity,
                           const FoundSchedule& kept) const {
    FoundSchedule best = kept;
    double low = predicted(most());
    double high = predicted(kept.schedule);
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
    const LayerCounts dense(architecture_.depth, 0);
    const FoundSchedule nothing = judged(dense);
    const FoundSchedule constant =
        fastest_of(std::vector<double>(architecture_.depth, 1), fidelity, nothing);
    if (effective(constant.schedule) == dense) return constant;
    const FoundSchedule found =
        improve(with_best_metric(constant), predicted(constant.schedule), 1);
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
  double deadline_ = 0;
  std::vector<Result> dense_;
  double dense_seconds_ = 0;
  std::optional<TimeModel> times_;
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

// The r whose operations come nearest to those of `tuned` from above.
int r_near(const Model& model, const Array& images, const MergeOptions& tuned, double inflect) {
  const Architecture& a = model.architecture();
  const int height = static_cast<int>(images.shape[2]);
  const int width = static_cast<int>(images.shape[3]);
  const double wanted = cost(a, height, width, tuned).gflops;
  const int patches = height / a.patch[0] * (width / a.patch[1]);
  int r = 0;
  while (r < patches && cost(a, height, width, usual(tuned, r + 1, inflect)).gflops >= wanted) ++r;
  return r;
}

// The largest r that is not faster than `tuned` by the clock, of some around equal operations.
int r_as_fast(const Model& model, const Batches& pictures, const MergeOptions& tuned,
              double inflect) {
  constexpr int kAround = 2;
  const int first = std::max(0, r_near(model, pictures.front(), tuned, inflect) - kAround);
  std::vector<MergeOptions> merges = {tuned};
  for (int r = first; r <= first + 2 * kAround; ++r) merges.push_back(usual(tuned, r, inflect));
  Comparison comparison(model, merges);
  for (size_t i = 0; i < std::min(pictures.size(), kTimedBatches); ++i) {
    comparison.add(pictures[i], true);
  }
  time_passes(comparison, pictures, 3);
  int found = first;
  for (int i = 1; i <= 2 * kAround; ++i) {
    const double speed = comparison.score(2 + i).images_per_second();
    if (speed <= comparison.score(1).images_per_second()) found = first + i;
  }
  return found;
}

}  // namespace

MergeOptions tune(const Model& model, const Batches& pictures, const TuneOptions& options) {
  return Tuner(model, pictures, options).tune();
}

std::vector<JudgedSchedule> judge(const Model& model, const Batches& held_out,
                                  const MergeOptions& tuned) {
  MergeOptions plain = tuned;
  plain.metric = Metric::k;
  std::vector<JudgedSchedule> rows = {{"dense", {}, {}}};
  for (const double inflect : {0.0, -1.0}) {
    const int r = r_as_fast(model, held_out, tuned, inflect);
    const char* name = inflect == 0 ? "constant" : "decreasing";
    rows.push_back({name, usual(tuned, r, inflect), {}});
    if (tuned.metric != plain.metric) rows.push_back({name, usual(plain, r, inflect), {}});
  }
  rows.push_back({"tuned", tuned, {}});
  std::vector<MergeOptions> merges;
  for (size_t i = 1; i < rows.size(); ++i) merges.push_back(rows[i].merge);
  Comparison comparison(model, merges);
  const size_t timed = std::min(held_out.size(), kTimedBatches);
  for (size_t i = 0; i < held_out.size(); ++i) comparison.add(held_out[i], i < timed);
  time_passes(comparison, held_out, 7);
  for (size_t i = 0; i < rows.size(); ++i) rows[i].score = comparison.score(i);
  return rows;
}

}  // namespace fovea
