#include "fovea/cli/evaluation.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "fovea/cli/commands.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/progress.h"
#include "fovea/cli/speedup.h"
#include "fovea/io/fail.h"
#include "fovea/model/cost.h"

namespace fovea::cli {
namespace {

std::optional<ClassesBy> parse_classes(const std::string& text) {
  if (text.empty()) return std::nullopt;
  if (text == "name") return ClassesBy::name;
  if (text == "number") return ClassesBy::number;
  if (text == "order") return ClassesBy::order;
  fail("--classes {}: expected name, number or order", printable(text));
}

void check_flags(const EvaluateFlags& flags) {
  if (!flags.knn.empty()) parse_whole("--knn", flags.knn, 1, 1'000'000);
  if (!flags.classes.empty() && !flags.train.empty()) {
    fail("--classes {}: does not go with --train, whose folders have the same names",
         flags.classes);
  }
  if (flags.texts.any() && !flags.train.empty()) {
    fail("--text-features: does not go with --train, whose pictures are the classes");
  }
  if (flags.allow_empty && !flags.labels.empty()) {
    fail("--allow-empty: does not go with --labels, where folders are no classes");
  }
}

void add(const Evaluation& evaluation, const Result& result, double seconds, Spent& spent) {
  const Architecture& a = evaluation.model.architecture();
  const RunOptions& run = evaluation.run;
  const Course course = course_of(a, run.merge, run.keep_ratio);
  const IntArray& tokens = result.layer_tokens;
  spent.gflops += batch_gflops(a, evaluation.spec.size(), course, tokens);
  for (int64_t i = 0; i < tokens.shape[0]; ++i) {
    spent.tokens += tokens.data[(i + 1) * a.depth - 1];
  }
  spent.inputs += tokens.shape[0];
  spent.seconds += seconds;
}

}  // namespace

Evaluation evaluation_of(const EvaluateFlags& flags, const Processes& processes) {
  RunOptions run = run_options(merge_options(flags.merge), flags.keep_ratio);
  LoadOptions load = load_options(flags.run);
  if (load.threads == 0) load.threads = processes.processors();
  const int batch = parse_whole("--batch", flags.batch, 1, 4096);
  const std::optional<ClassesBy> by = parse_classes(flags.classes);
  check_flags(flags);
  const ReadOptions read = read_options(flags.read);
  std::shared_ptr<const Dataset> files = open_dataset(flags.folder, "",
                                                      {.allow_empty = flags.allow_empty,
                                                       .labels = flags.labels,
                                                       .read = read,
                                                       .medium = medium_of(flags.model, load)});
  if (processes.is_first()) note_left_out(files->left_out());
  Model model = open_model(flags.model, load, run);
  if (model.architecture().classes == 0 && flags.train.empty() && !flags.texts.any()) {
    fail(
        "{}: the model has no head; expected --train FOLDER, to go by the nearest of its pictures, "
        "or --text-features",
        flags.model);
  }
  const InputSpec spec = input_spec_of(flags.input, flags.model, model);
  resolve_speedup(flags.merge, flags.model, model.architecture(), spec.size(), run);
  return {flags, processes, std::move(files), by, std::move(model), run, spec, batch, read};
}

int run_labelled(const Evaluation& evaluation, const std::shared_ptr<const Dataset>& files,
                 const Interrupt& interrupt, Spent& spent, const TakeAnswers& take) {
  Progress progress(files->size(), evaluation.processes);
  const int status = read_files(
      files, evaluation.batch, evaluation.spec, evaluation.model.threads(), progress,
      [&](const InputBatch& batch) {
        const auto start = std::chrono::steady_clock::now();
        const Result result = evaluation.model.run(batch.inputs, evaluation.run);
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
        add(evaluation, result, passed.count(), spent);
        spent.files += static_cast<int64_t>(batch.files());
        take(result, batch);
        progress.advance(batch.files());
        return !interrupt.happened();
      },
      evaluation.processes);
  return interrupt.happened() ? kSomeSkipped : status;
}

void check_finite(const Array& values, const std::string& model) {
  const auto finite = [](float x) { return std::isfinite(x); };
  if (!std::all_of(values.data.begin(), values.data.end(), finite)) {
    fail("{}: gives answers that are not finite", model);
  }
}

}  // namespace fovea::cli
