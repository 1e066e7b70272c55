// Judging a model by its own head.
#include <algorithm>
#include <vector>

#include "fovea/cli/class_labels.h"
#include "fovea/cli/console.h"
#include "fovea/cli/evaluation.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

// A folder that is called by a number and stands for another class: "; folder 10 is class 2".
std::string odd_pair(const std::vector<std::string>& names, const ClassMatch& match) {
  for (size_t i = 0; i < names.size(); ++i) {
    const bool is_number =
        !names[i].empty() && names[i].find_first_not_of("0123456789") == std::string::npos;
    if (is_number && std::to_string(match.classes[i]) != names[i]) {
      return fmt::format("; {} is class {}", printable(names[i]), match.classes[i]);
    }
  }
  return "";
}

void note_match(const std::vector<std::string>& names, const ClassMatch& match,
                const ClassNames& known, NamedBy named_by) {
  const char* const what = named_by == NamedBy::folders ? "folder" : "label";
  if (match.by == ClassesBy::number) {
    note(fmt::format(
        "classes by number: {} {} is class {}; --classes order goes by their sorted order", what,
        printable(names.back()), match.classes.back()));
  } else if (match.by == ClassesBy::order) {
    note(fmt::format("classes by the sorted order of the {}s{}", what, odd_pair(names, match)));
  } else if (known.is_assumed) {
    note_assumed(known);
  } else {
    note("classes by the labels of config.json");
  }
}

bool has_several(const Dataset& pictures) {
  for (int64_t i = 0; i < pictures.size(); ++i) {
    if (pictures.labels(i).size() > 1) return true;
  }
  return false;
}

// The model's classes that a picture is of, ascending.
std::vector<int> classes_of(const std::vector<int>& labels, const ClassMatch& match) {
  std::vector<int> classes;
  for (const int label : labels) classes.push_back(match.classes[label]);
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  return classes;
}

// What ranks pictures by how much they are of a class: logits do where classes don't exclude each
// other, else they say something only beside those of the same picture.
std::vector<float> scores_of(std::span<const float> logits, const Model& model) {
  if (model.config().problem_type == ProblemType::multi_label) {
    return {logits.begin(), logits.end()};
  }
  const std::vector<double> shares = model.probabilities(logits);
  return {shares.begin(), shares.end()};
}

}  // namespace

int evaluate_head(const Evaluation& evaluation, const Interrupt& interrupt, Judged& judged) {
  const Dataset& pictures = *evaluation.pictures;
  const Model& model = evaluation.model;
  const int classes = model.architecture().classes;
  const NamedBy named_by = evaluation.flags.labels.empty() ? NamedBy::folders : NamedBy::labels;
  const ProblemType problem = model.config().problem_type;
  ClassNames known;
  ClassMatch match;
  evaluation.processes.together([&] {
    if (problem == ProblemType::regression) {
      fail("{}: config.json's problem_type is regression; expected classes",
           evaluation.flags.model);
    }
    known = names_of_classes(model);
    match = match_classes(pictures.classes(), known, classes, named_by, evaluation.classes_by);
  });
  note_match(pictures.classes(), match, known, named_by);
  if (problem == ProblemType::multi_label || has_several(pictures)) judged.ranking.emplace(classes);
  return run_labelled(evaluation, evaluation.pictures, interrupt, judged.spent,
                      [&](const Result& result, std::span<const size_t> numbers) {
                        check_finite(result.logits, evaluation.flags.model);
                        for (size_t i = 0; i < numbers.size(); ++i) {
                          const auto logits =
                              std::span(result.logits.data).subspan(i * classes, classes);
                          const std::vector<int> right =
                              classes_of(pictures.labels(static_cast<int64_t>(numbers[i])), match);
                          judged.accuracy.add(logits, right);
                          if (judged.ranking) judged.ranking->add(scores_of(logits, model), right);
                        }
                      });
}

}  // namespace fovea::cli
