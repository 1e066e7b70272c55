// Judging a model by its own head, or by features of texts.
#include <algorithm>
#include <optional>
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
                const ClassNames& known, NamedBy named_by, const std::string& source) {
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
    note("classes by the " + source);
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

// What tells classes apart.
class Head {
 public:
  Head(const Model& model, const EvaluateFlags& flags) : model_(model), file_(flags.model) {
    if (flags.texts.any()) {
      texts_.emplace(flags.texts, model);
      names_.names = texts_->names();
      return;
    }
    if (model.config().problem_type == ProblemType::regression) {
      fail("{}: config.json's problem_type is regression; expected classes", file_);
    }
    names_ = names_of_classes(model);
  }

  const ClassNames& names() const { return names_; }
  std::string source() const {
    return texts_ ? "names of --classes-file" : "labels of config.json";
  }
  int classes() const {
    return texts_ ? static_cast<int>(names_.names.size()) : model_.architecture().classes;
  }
  // Whether pictures are said to be of several.
  bool says_several() const {
    return !texts_ && model_.config().problem_type == ProblemType::multi_label;
  }

  std::vector<float> logits(const Result& result, int64_t image) const {
    if (texts_) return texts_->logits(result, image);
    const auto first = result.logits.data.begin() + image * classes();
    return {first, first + classes()};
  }
  // What ranks pictures by how much they are of a class: logits do where classes don't exclude each
  // other, else they say something only beside those of the same picture.
  std::vector<float> scores(const std::vector<float>& logits) const {
    if (says_several() || (texts_ && texts_->are_independent())) return logits;
    const std::vector<double> shares =
        texts_ ? texts_->probabilities(logits) : model_.probabilities(logits);
    return {shares.begin(), shares.end()};
  }

 private:
  const Model& model_;
  std::string file_;
  std::optional<TextClasses> texts_;
  ClassNames names_;
};

}  // namespace

int evaluate_head(const Evaluation& evaluation, const Interrupt& interrupt, Judged& judged) {
  const Dataset& pictures = *evaluation.pictures;
  const EvaluateFlags& flags = evaluation.flags;
  const NamedBy named_by = flags.labels.empty() ? NamedBy::folders : NamedBy::labels;
  std::optional<Head> head;
  ClassMatch match;
  evaluation.processes.together([&] {
    head.emplace(evaluation.model, flags);
    match = match_classes(pictures.classes(), head->names(), head->classes(), named_by,
                          evaluation.classes_by);
  });
  note_match(pictures.classes(), match, head->names(), named_by, head->source());
  if (head->says_several() || has_several(pictures)) judged.ranking.emplace(head->classes());
  return run_labelled(evaluation, evaluation.pictures, interrupt, judged.spent,
                      [&](const Result& result, std::span<const size_t> numbers) {
                        check_finite(result.logits, flags.model);
                        for (size_t i = 0; i < numbers.size(); ++i) {
                          const std::vector<float> logits =
                              head->logits(result, static_cast<int64_t>(i));
                          const std::vector<int> right =
                              classes_of(pictures.labels(static_cast<int64_t>(numbers[i])), match);
                          judged.accuracy.add(logits, right);
                          if (judged.ranking) judged.ranking->add(head->scores(logits), right);
                        }
                      });
}

}  // namespace fovea::cli
