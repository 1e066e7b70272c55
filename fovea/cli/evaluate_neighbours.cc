// Judging a model by the nearest neighbours of its features.
#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "fovea/cli/by_file.h"
#include "fovea/cli/commands.h"
#include "fovea/cli/evaluation.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/vector_mean.h"
#include "fovea/data/folder.h"
#include "fovea/io/fail.h"
#include "fovea/report/neighbours.h"

namespace fovea::cli {
namespace {

// Which class of `known` each class is.
std::vector<int> same_classes(const Dataset& files, const Dataset& known,
                              const EvaluateFlags& flags) {
  std::vector<int> classes;
  const std::vector<std::string>& names = known.classes();
  for (const std::string& name : files.classes()) {
    const auto place = std::lower_bound(names.begin(), names.end(), name);
    if (place == names.end() || *place != name) {
      fail("--train {}: no class folder {}, which {} has; expected the same classes", flags.train,
           name, flags.folder);
    }
    classes.push_back(static_cast<int>(place - names.begin()));
  }
  return classes;
}

// What is known of the files in --train.
struct Known {
  Array features;
  std::vector<int> classes;
  int status = kDone;
};

// Called with the files that are complete with a batch, and their features, [files, channels]: of
// each the mean of its inputs'.
using TakeFeatures = std::function<void(std::span<const int64_t> files, const Array& features)>;

// Runs the model over files; returns the exit status.
int run_features(const Evaluation& evaluation, const std::shared_ptr<const Dataset>& files,
                 const Interrupt& interrupt, Spent& spent, const TakeFeatures& take) {
  ByFile<VectorMean> means;
  return run_labelled(
      evaluation, files, interrupt, spent, [&](const Result& result, const InputBatch& batch) {
        check_finite(result.features, evaluation.flags.model);
        const int64_t channels = result.features.shape[1];
        std::vector<int64_t> complete;
        Array features({0, channels});
        means.take(
            batch,
            [&](VectorMean& mean, const InputBatch::Part&, int64_t i) {
              mean.add(std::span(result.features.data).subspan(i * channels, channels));
            },
            [&](size_t file, const VectorMean& mean) {
              const std::vector<float> row = mean.mean<float>();
              features.data.insert(features.data.end(), row.begin(), row.end());
              complete.push_back(static_cast<int64_t>(file));
            });
        features.shape[0] = static_cast<int64_t>(complete.size());
        if (!complete.empty()) take(complete, features);
      });
}

// All processes get what each of them has found out.
Known read_known(const Evaluation& evaluation, const std::shared_ptr<const Dataset>& files,
                 const Interrupt& interrupt) {
  Known known;
  Spent unused;
  known.status =
      run_features(evaluation, files, interrupt, unused,
                   [&](std::span<const int64_t> numbers, const Array& features) {
                     known.features.data.insert(known.features.data.end(), features.data.begin(),
                                                features.data.end());
                     for (const int64_t file : numbers) {
                       known.classes.push_back(files->label(file));
                     }
                   });
  evaluation.processes.together([&] {
    if (!interrupt.happened()) return;
    fail("interrupted before the {} of --train were done", many_of(evaluation.spec.medium));
  });
  known.features.data = evaluation.processes.join(known.features.data);
  known.classes = evaluation.processes.join(known.classes);
  known.features.shape = {static_cast<int64_t>(known.classes.size()),
                          evaluation.model.architecture().features()};
  return known;
}

// How many neighbours vote: what was asked for, else 20 or as many as are known.
int nearest_of(const EvaluateFlags& flags, size_t known, Medium medium) {
  const int most = static_cast<int>(std::min<size_t>(known, 1'000'000));
  if (flags.knn.empty()) return std::min(20, most);
  const int nearest = parse_whole("--knn", flags.knn, 1, 1'000'000);
  if (nearest > most) {
    fail("--knn {}: expected at most the {} known {} of --train {}", nearest, most, many_of(medium),
         flags.train);
  }
  return nearest;
}

// Votes know one class for each file.
void check_single(const Dataset& files, const std::string& labels) {
  for (int64_t i = 0; i < files.size(); ++i) {
    if (files.labels(i).size() == 1) continue;
    fail("{}: {} has several labels; expected one, as --train goes by votes for one class", labels,
         files.name(i));
  }
}

}  // namespace

int evaluate_neighbours(const Evaluation& evaluation, const Interrupt& interrupt, Judged& judged) {
  const EvaluateFlags& flags = evaluation.flags;
  const Dataset& files = *evaluation.files;
  std::shared_ptr<const Dataset> trained;
  std::vector<int> same;
  evaluation.processes.together([&] {
    check_single(files, flags.labels);
    trained = open_dataset(flags.train, "",
                           {.allow_empty = flags.allow_empty,
                            .read = evaluation.read,
                            .medium = evaluation.spec.medium});
    if (evaluation.processes.is_first()) note_left_out(trained->left_out(), "--train");
    same = same_classes(files, *trained, flags);
  });
  Known known = read_known(evaluation, trained, interrupt);
  std::optional<Neighbours> neighbours;
  evaluation.processes.together([&] {
    const int nearest = nearest_of(flags, known.classes.size(), evaluation.spec.medium);
    const int classes = static_cast<int>(trained->classes().size());
    neighbours.emplace(std::move(known.features), std::move(known.classes), classes, nearest,
                       evaluation.model.threads());
  });
  const int status = run_features(evaluation, evaluation.files, interrupt, judged.spent,
                                  [&](std::span<const int64_t> numbers, const Array& features) {
                                    const Array votes = neighbours->votes(features);
                                    const int64_t classes = votes.shape[1];
                                    for (size_t i = 0; i < numbers.size(); ++i) {
                                      judged.accuracy.add_votes(
                                          std::span(votes.data).subspan(i * classes, classes),
                                          same[files.label(numbers[i])]);
                                    }
                                  });
  return std::max(status, known.status);
}

}  // namespace fovea::cli
