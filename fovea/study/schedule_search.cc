#include "fovea/study/schedule_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "fovea/report/fidelity.h"

namespace fovea {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// How the loss changes with one layer's r: slope * d + bend * d * d / 2 for d tokens more.
struct LayerModel {
  double slope = 0;
  double bend = 0;
  double saved = 0;  // cost for each token more

  double change(double d) const { return slope * d + bend * d * d / 2; }
};

LayerCounts moved(const LayerCounts& schedule, size_t layer, int by) {
  LayerCounts other = schedule;
  other[layer] += by;
  return other;
}

// How far a layer may move from where it is.
struct Reach {
  int down;
  int up;
};

Reach reach_of(const ScheduleProblem& problem, const LayerCounts& schedule, size_t layer,
               int step) {
  return {std::min(step, schedule[layer]),
          std::clamp(problem.most[layer] - schedule[layer], 0, step)};
}

bool is_finite(const Losses& losses) {
  return std::all_of(losses.begin(), losses.end(), [](double x) { return std::isfinite(x); });
}

// What a picture loses by one token more.
Estimate slope_between(const Losses& from, const Losses& to, double tokens) {
  std::vector<double> changes;
  for (size_t i = 0; i < from.size(); ++i) changes.push_back((to[i] - from[i]) / tokens);
  return estimate(changes);
}

struct LearntLayer {
  LayerModel model;
  double error = 0;  // of the slope
};

// A schedule on one side of another.
struct Side {
  int tokens;  // more or fewer in the layer
  LayerCounts schedule;
  Losses losses;
};

// `by` tokens away; the schedule itself where nothing can be learnt there.
Side side_of(const ScheduleProblem& problem, const Side& middle, size_t layer, int by) {
  if (by == 0) return middle;
  Side side = {std::abs(by), moved(middle.schedule, layer, by), {}};
  side.losses = problem.rough_losses(side.schedule);
  return is_finite(side.losses) ? side : middle;
}

LearntLayer learn_layer(const ScheduleProblem& problem, const LayerCounts& schedule, size_t layer,
                        int step, const Losses& losses) {
  const Reach reach = reach_of(problem, schedule, layer, step);
  const Side middle = {0, schedule, losses};
  const Side more = side_of(problem, middle, layer, reach.up);
  const Side fewer = side_of(problem, middle, layer, -reach.down);
  const double tokens = more.tokens + fewer.tokens;
  if (tokens == 0 || !is_finite(losses)) return {};
  const Estimate slope = slope_between(fewer.losses, more.losses, tokens);
  LearntLayer learnt;
  learnt.error = slope.error;
  learnt.model.slope = slope.mean;
  if (more.tokens > 0 && fewer.tokens > 0) {
    const double rise = slope_between(losses, more.losses, more.tokens).mean;
    const double fall = slope_between(fewer.losses, losses, fewer.tokens).mean;
    learnt.model.bend = 2 * (rise - fall) / tokens;
  }
  // Some bend there always is, or everything would be merged in the one layer that seems best.
  learnt.model.bend = std::max(learnt.model.bend, 0.3 * std::max(slope.mean, 0.0) / step);
  learnt.model.saved =
      std::max(0.0, (problem.cost(fewer.schedule) - problem.cost(more.schedule)) / tokens);
  return learnt;
}

// Layers beside one another lose alike for what they save. Where a layer's loss stands out by less
// than its error, most of that is chance, and it is drawn to its neighbours (as James and Stein
// do).
void smooth(std::vector<LearntLayer>& layers) {
  std::vector<double> price;
  for (const LearntLayer& layer : layers) {
    price.push_back(layer.model.saved > 0 ? layer.model.slope / layer.model.saved : 0);
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    LearntLayer& layer = layers[i];
    if (layer.model.saved <= 0 || layers.size() < 3) continue;
    const double before = price[i == 0 ? 1 : i - 1];
    const double after = price[i + 1 == layers.size() ? i - 1 : i + 1];
    const double around = (before + after) / 2;
    const double deviation = (price[i] - around) * layer.model.saved;
    const double chance = layer.error * layer.error;
    const double kept = deviation == 0 ? 1 : std::max(0.0, 1 - chance / (deviation * deviation));
    layer.model.slope = around * layer.model.saved + kept * deviation;
  }
}

// One model for each layer, or none where time ran out.
std::vector<LayerModel> learn(const ScheduleProblem& problem, const LayerCounts& schedule,
                              int step) {
  const Losses losses = problem.rough_losses(schedule);
  std::vector<LearntLayer> layers;
  for (size_t layer = 0; layer < schedule.size(); ++layer) {
    if (problem.out_of_time()) return {};
    layers.push_back(learn_layer(problem, schedule, layer, step, losses));
  }
  smooth(layers);
  std::vector<LayerModel> models;
  for (const LearntLayer& layer : layers) models.push_back(layer.model);
  return models;
}

// Each layer as far as it pays when a unit of cost is worth `price`, within reach.
LayerCounts best_at(const ScheduleProblem& problem, const LayerCounts& schedule,
                    const std::vector<LayerModel>& models, int step, double price) {
  LayerCounts best = schedule;
  for (size_t layer = 0; layer < schedule.size(); ++layer) {
    const LayerModel& model = models[layer];
    const Reach reach = reach_of(problem, schedule, layer, step);
    const double gain = price * model.saved - model.slope;  // of the first token more
    double by = gain > 0 ? reach.up : -reach.down;
    if (model.bend > 0) by = std::clamp(gain / model.bend, -1.0 * reach.down, 1.0 * reach.up);
    best[layer] += static_cast<int>(std::lround(by));
  }
  return best;
}

// Merges token by token more where it loses least for what it saves, until the target is met, and
// then less where it brings most, as long as it stays met.
void settle(const ScheduleProblem& problem, const LayerCounts& origin,
            const std::vector<LayerModel>& models, double target, LayerCounts& schedule) {
  const auto step_loss = [&](size_t layer, int by) {
    const double at = schedule[layer] - origin[layer];
    return models[layer].change(at + by) - models[layer].change(at);
  };
  while (problem.cost(schedule) > target) {
    const double cost = problem.cost(schedule);
    double least = kNever;
    size_t chosen = schedule.size();
    for (size_t layer = 0; layer < schedule.size(); ++layer) {
      if (schedule[layer] >= problem.most[layer]) continue;
      const double saved = cost - problem.cost(moved(schedule, layer, 1));
      const double price = saved > 0 ? step_loss(layer, 1) / saved : kNever;
      if (price < least) {
        least = price;
        chosen = layer;
      }
    }
    if (chosen == schedule.size()) return;
    ++schedule[chosen];
  }
  for (bool changed = true; changed;) {
    changed = false;
    double most = 0;
    size_t chosen = 0;
    for (size_t layer = 0; layer < schedule.size(); ++layer) {
      if (schedule[layer] == 0) continue;
      const double gain = -step_loss(layer, -1);
      if (gain > most && problem.cost(moved(schedule, layer, -1)) <= target) {
        most = gain;
        chosen = layer;
        changed = true;
      }
    }
    if (changed) --schedule[chosen];
  }
}

// What the models hold for best: the price of cost at which the target is just met.
LayerCounts solve(const ScheduleProblem& problem, const LayerCounts& schedule,
                  const std::vector<LayerModel>& models, double target, int step) {
  double low = 0;
  double high = 1e-12;
  while (high < 1e12 && problem.cost(best_at(problem, schedule, models, step, high)) > target) {
    high *= 4;
  }
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (problem.cost(best_at(problem, schedule, models, step, middle)) > target ? low : high) = middle;
  }
  LayerCounts best = best_at(problem, schedule, models, step, high);
  settle(problem, schedule, models, target, best);
  return best;
}

}  // namespace

double mean(const Losses& losses) {
  return std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(losses.size());
}

bool clearly_less(const Losses& losses, const Losses& than) {
  if (!is_finite(losses) || !is_finite(than)) return is_finite(losses);
  const Estimate change = slope_between(than, losses, 1);
  return change.mean < -2 * change.error;
}

LayerCounts scaled_to(const ScheduleProblem& problem, const std::vector<double>& shape,
                      double target) {
  const auto scaled = [&](double scale) {
    LayerCounts schedule;
    for (size_t layer = 0; layer < shape.size(); ++layer) {
      schedule.push_back(static_cast<int>(
          std::lround(std::clamp(scale * shape[layer], 0.0, 1.0 * problem.most[layer]))));
    }
    return schedule;
  };
  double low = 0;
  double high = 1;
  const int most = *std::max_element(problem.most.begin(), problem.most.end());
  while (high < 1e3 * most && problem.cost(scaled(high)) > target) high *= 2;
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    (problem.cost(scaled(middle)) > target ? low : high) = middle;
  }
  return scaled(high);
}

std::vector<LayerCounts> usual_schedules(const ScheduleProblem& problem, double target) {
  const size_t depth = problem.most.size();
  std::vector<LayerCounts> schedules;
  for (const double inflect : {0.0, -0.5, -1.0, 0.5, 1.0}) {
    std::vector<double> shape;
    for (size_t layer = 0; layer < depth; ++layer) {
      const double place = depth == 1 ? 0 : 2.0 * static_cast<double>(layer) / (depth - 1.0) - 1;
      shape.push_back(1 + inflect * place);
    }
    schedules.push_back(scaled_to(problem, shape, target));
  }
  return schedules;
}

FoundSchedule improve_schedule(const ScheduleProblem& problem, const FoundSchedule& start,
                               double target) {
  FoundSchedule best = start;
  const auto depth = static_cast<double>(best.schedule.size());
  const double total = std::accumulate(best.schedule.begin(), best.schedule.end(), 0.0);
  int step = std::max(4, static_cast<int>(std::lround(total / depth)));
  while (step >= 1 && !problem.out_of_time()) {
    const std::vector<LayerModel> models = learn(problem, best.schedule, step);
    if (models.empty()) break;
    const FoundSchedule before = best;
    bool far = false;
    // The further, the less the models hold.
    for (const double part : {1.0, 0.5, 0.25}) {
      const int reach = std::max(1, static_cast<int>(std::lround(part * step)));
      const LayerCounts candidate = solve(problem, before.schedule, models, target, reach);
      if (candidate == before.schedule || problem.cost(candidate) > target) continue;
      const Losses losses = problem.losses(candidate);
      if (clearly_less(losses, before.losses) && mean(losses) < mean(best.losses)) {
        best = {candidate, losses};
        far = part == 1;
      }
    }
    if (!far) step /= 2;  // else there may be more to win out there
  }
  return best;
}

}  // namespace fovea
