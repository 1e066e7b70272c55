// The training loop: steps, evaluations, checkpoints.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "fovea/fovea.h"
#include "fovea/processes/processes.h"
#include "fovea/train/journal.h"
#include "fovea/train/recipe.h"

namespace fovea {

// How a run is carried out, beside what its recipe says.
struct TrainOptions {
  MergeOptions merge = {};       // while training
  MergeOptions eval_merge = {};  // while evaluating
  bool resume = false;           // go on from the checkpoint in recipe.output
  int threads = 0;               // of each process; 0: as many as it may use
  // Where one process is told to stop, all end after the same step.
  std::function<bool()> stop = [] { return false; };
  std::function<void(const std::string&)> note = [](const std::string&) {};
  // Called after every step; loss is that step's.
  std::function<void(int64_t step, int64_t steps, double loss, double images_per_second)> on_step =
      [](int64_t, int64_t, double, double) {};
  // Called meanwhile with how many pictures of how many this process has evaluated on.
  std::function<void(int64_t pictures, int64_t of)> on_evaluated = [](int64_t, int64_t) {};
  std::function<void(const JournalLine&)> on_line = [](const JournalLine&) {};
};

// What a run came to.
struct Trained {
  std::string model = {};  // as every command takes it
  bool stopped = false;    // before its end; the checkpoint goes on from there
  int64_t steps = 0;
  int64_t parameters = 0;          // of the model
  int64_t trained_parameters = 0;  // of those, what recipe.tune chose
  double step_seconds = 0;         // mean over this sitting, with all that a step waits for
  std::optional<double> top1 = {}, top5 = {};  // per cent, of the last evaluation
};

// Trains as the recipe says and leaves in recipe.output: model.safetensors and config.json (the
// mean of weights where model_ema keeps one), checkpoint.safetensors to go on from, recipe.json and
// log.csv. Throws Error for a recipe that can't be followed, pictures that can't be read, a loss
// that is not finite, files that can't be written; what was written before stays.
//
// Several processes take a share of each batch (and of the evaluations) each, and the steps of one
// process; all call this with the same recipe and options. They see the same files. The first one
// writes, and is the only one to call on_line. What is thrown is a CommonError where all throw it;
// after anything else the others still wait, and Processes::abort must end them.
Trained train(const Recipe& recipe, const TrainOptions& options,
              const Processes& processes = Processes::alone());

}  // namespace fovea
