// Finding the schedule that loses least at a given cost: a search over any loss and any cost.
#pragma once

#include <functional>
#include <vector>

namespace fovea {

// r of every layer.
using LayerCounts = std::vector<int>;

// What a schedule loses on each picture; infinity where it is of no use.
using Losses = std::vector<double>;

struct ScheduleProblem {
  LayerCounts most;  // what each layer may merge at most when no other merges
  // What running a schedule costs, say predicted seconds; asked for often. Merging one more token
  // must not, by and large, cost more.
  std::function<double(const LayerCounts&)> cost;
  // Expensive. The rough ones are of fewer pictures: comparable only with one another.
  std::function<Losses(const LayerCounts&)> losses;
  std::function<Losses(const LayerCounts&)> rough_losses;
  std::function<bool()> out_of_time = [] { return false; };
};

struct FoundSchedule {
  LayerCounts schedule;
  Losses losses;
};

double mean(const Losses& losses);

// Whether `losses` are less than `than`, on the same pictures, by more than chance among pictures
// explains: the mean of the differences is beyond two of its standard errors.
bool clearly_less(const Losses& losses, const Losses& than);

// The schedule of this shape (a weight for each layer) that merges least of those that cost at most
// `target`; the one that merges most where none does.
LayerCounts scaled_to(const ScheduleProblem& problem, const std::vector<double>& shape,
                      double target);

// The constant one, decreasing and increasing ones, scaled to `target`.
std::vector<LayerCounts> usual_schedules(const ScheduleProblem& problem, double target);

// Improves on `start`, whose cost is at most `target`, and keeps to it. Each round learns, layer by
// layer, how the loss changes when many tokens more or none at all merge there; large steps,
// because small ones drown in the chance of which tokens just so merge. Then it solves for the best
// schedule within reach, and takes it if it is clearly better; else it looks closer.
FoundSchedule improve_schedule(const ScheduleProblem& problem, const FoundSchedule& start,
                               double target);

}  // namespace fovea
