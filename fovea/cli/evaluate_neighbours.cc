// Judging a model by the nearest neighbours of its features.
#include <algorithm>
#include <optional>
#include <vector>

#include "fovea/cli/commands.h"
#include "fovea/cli/evaluation.h"
#include "fovea/cli/pictures.h"
#include "fovea/io/fail.h"
#include "fovea/report/neighbours.h"

namespace fovea::cli {
namespace {

// Which class of `known` each class is.
std::vector<int> same_classes(const Dataset& pictures, const Dataset& known,
                              const EvaluateFlags& flags) {
  std::vector<int> classes;
  const std::vector<std::string>& names = known.classes();
  for (const std::string& name : pictures.classes()) {
    const auto place = std::lower_bound(names.begin(), names.end(), name);
    if (place == names.end() || *place != name) {
      fail("--train {}: no class folder {}, which {} has; expected the same classes", flags.train,
           name, flags.folder);
    }
    classes.push_back(static_cast<int>(place - names.begin()));
  }
  return classes;
}

// What is known of the pictures in --train.
struct Known {
  Array features;
  std::vector<int> classes;
  int status = kDone;
};

// All processes get what each of them has found out.
Known read_known(const Evaluation& evaluation, const std::shared_ptr<const Dataset>& pictures,
                 const Interrupt& interrupt) {
  Known known;
  Spent unused;
  known.status = run_labelled(evaluation, pictures, interrupt, unused,
                              [&](const Result& result, std::span<const size_t> numbers) {
                                check_finite(result.features, evaluation.flags.model);
                                known.features.data.insert(known.features.data.end(),
                                                           result.features.data.begin(),
                                                           result.features.data.end());
                                for (const size_t i : numbers) {
                                  known.classes.push_back(pictures->label(static_cast<int64_t>(i)));
                                }
                              });
  evaluation.processes.together([&] {
    if (interrupt.happened()) fail("interrupted before the pictures of --train were done");
  });
  known.features.data = evaluation.processes.join(known.features.data);
  known.classes = evaluation.processes.join(known.classes);
  known.features.shape = {static_cast<int64_t>(known.classes.size()),
                          evaluation.model.architecture().features()};
  return known;
}

// How many neighbours vote: what was asked for, else 20 or as many as are known.
int nearest_of(const EvaluateFlags& flags, size_t known) {
  const int most = static_cast<int>(std::min<size_t>(known, 1'000'000));
  if (flags.knn.empty()) return std::min(20, most);
  const int nearest = parse_whole("--knn", flags.knn, 1, 1'000'000);
  if (nearest > most) {
    fail("--knn {}: expected at most the {} known pictures of --train {}", nearest, most,
         flags.train);
  }
  return nearest;
}

// Votes know one class for each picture.
void check_single(const Dataset& pictures, const std::string& labels) {
  for (int64_t i = 0; i < pictures.size(); ++i) {
    if (pictures.labels(i).size() == 1) continue;
    fail("{}: {} has several labels; expected one, as --train goes by votes for one class", labels,
         pictures.name(i));
  }
}

}  // namespace

int evaluate_neighbours(const Evaluation& evaluation, const Interrupt& interrupt, Judged& judged) {
  const EvaluateFlags& flags = evaluation.flags;
  const Dataset& pictures = *evaluation.pictures;
  std::shared_ptr<const Dataset> trained;
  std::vector<int> same;
  evaluation.processes.together([&] {
    check_single(pictures, flags.labels);
    trained =
        open_dataset(flags.train, "", {.allow_empty = flags.allow_empty, .read = evaluation.read});
    if (evaluation.processes.is_first()) note_left_out(trained->left_out(), "--train");
    same = same_classes(pictures, *trained, flags);
  });
  Known known = read_known(evaluation, trained, interrupt);
  std::optional<Neighbours> neighbours;
  evaluation.processes.together([&] {
    const int nearest = nearest_of(flags, known.classes.size());
    const int classes = static_cast<int>(trained->classes().size());
    neighbours.emplace(std::move(known.features), std::move(known.classes), classes, nearest,
                       evaluation.model.threads());
  });
  const int status = run_labelled(evaluation, evaluation.pictures, interrupt, judged.spent,
                                  [&](const Result& result, std::span<const size_t> numbers) {
                                    check_finite(result.features, flags.model);
                                    const Array votes = neighbours->votes(result.features);
                                    const int64_t classes = votes.shape[1];
                                    for (size_t i = 0; i < numbers.size(); ++i) {
                                      judged.accuracy.add_votes(
                                          std::span(votes.data).subspan(i * classes, classes),
                                          same[pictures.label(static_cast<int64_t>(numbers[i]))]);
                                    }
                                  });
  return std::max(status, known.status);
}

}  // namespace fovea::cli
