// What evaluate's ways to judge a model have in common: its options, and running it over labelled
// pictures, videos or sound.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "fovea/cli/input_flags.h"
#include "fovea/cli/interrupt.h"
#include "fovea/cli/options.h"
#include "fovea/cli/read_flags.h"
#include "fovea/cli/text_features.h"
#include "fovea/data/dataset.h"
#include "fovea/data/loader.h"
#include "fovea/processes/processes.h"
#include "fovea/report/accuracy.h"
#include "fovea/report/average_precision.h"
#include "fovea/report/class_match.h"

namespace fovea::cli {

// Of Segment Anything's scores, as typed.
struct MaskFlags {
  std::string kinds;  // empty: classes are judged
  std::string least_area = "100";
  std::string seed = "0";
};

struct EvaluateFlags {
  std::string model, folder, train, keep_ratio;
  InputFlags input;
  std::string labels, classes;
  std::string knn;
  TextFlags texts;
  std::string batch = "8";
  MaskFlags masks;
  ReadFlags read;
  bool allow_empty = false;
  bool json = false;
  MergeFlags merge;
  RunFlags run;
};

// What a command line asks for, ready to run.
struct Evaluation {
  const EvaluateFlags& flags;
  const Processes& processes;
  std::shared_ptr<const Dataset> files;
  std::optional<ClassesBy> classes_by;  // as asked for
  Model model;
  RunOptions run;
  InputSpec spec;
  int batch;
  ReadOptions read;
};
Evaluation evaluation_of(const EvaluateFlags& flags, const Processes& processes);

// What running over files cost; of the arithmetic alone, without waiting for reading.
struct Spent {
  int64_t files = 0;
  int64_t inputs = 0;  // pictures, or clips, crops and windows
  double seconds = 0;
  double gflops = 0;
  double tokens = 0;  // that leave the last layer, of each input
};

// What came out.
struct Judged {
  Accuracy accuracy;
  std::optional<ClassRanking> ranking;  // where files may be of several classes
  Spent spent;
};

// Called with a batch and what it gave.
using TakeAnswers = std::function<void(const Result& result, const InputBatch& batch)>;

// Runs the model over files; returns the exit status. Ends early where the user says so.
int run_labelled(const Evaluation& evaluation, const std::shared_ptr<const Dataset>& files,
                 const Interrupt& interrupt, Spent& spent, const TakeAnswers& take);

// Throws Error naming the model where a value is none.
void check_finite(const Array& values, const std::string& model);

// By the model's own head, or features of texts; returns the exit status.
int evaluate_head(const Evaluation& evaluation, const Interrupt& interrupt, Judged& judged);

// By the nearest of the files in --train, likewise.
int evaluate_neighbours(const Evaluation& evaluation, const Interrupt& interrupt, Judged& judged);

}  // namespace fovea::cli
