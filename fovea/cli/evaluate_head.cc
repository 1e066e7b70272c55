// Judging a model by its own head, or by features of texts.
#include <algorithm>
#include <optional>
#include <vector>

#include "fovea/cli/by_file.h"
#include "fovea/cli/class_labels.h"
#include "fovea/cli/console.h"
#include "fovea/cli/evaluation.h"
#include "fovea/cli/file_answer.h"
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

bool has_several(const Dataset& files) {
  for (int64_t i = 0; i < files.size(); ++i) {
    if (files.labels(i).size() > 1) return true;
  }
  return false;
}

// The model's classes that a file is of, ascending.
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
  // Whether files are said to be of several.
  bool says_several() const {
    return !texts_ && model_.config().problem_type == ProblemType::multi_label;
  }

  std::vector<float> logits(const Result& result, int64_t image) const {
    if (texts_) return texts_->logits(result, image);
    const auto first = result.logits.data.begin() + image * classes();
    return {first, first + classes()};
  }
  std::vector<double> probabilities(std::span<const float> logits) const {
    return texts_ ? texts_->probabilities(logits) : model_.probabilities(logits);
  }
  // What ranks files by how much they are of a class: logits do where classes don't exclude each
  // other, else they say something only beside those of the same file. Windows of sound have only
  // probabilities together.
  std::vector<float> scores(const FileAnswer& answer) const {
    const bool are_independent = says_several() || (texts_ && texts_->are_independent());
    if (are_independent && model_.architecture().medium != Medium::sound) return answer.logits();
    const std::vector<double> shares = answer.probabilities(
        [this](std::span<const float> logits) { return probabilities(logits); });
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
  const Dataset& files = *evaluation.files;
  const EvaluateFlags& flags = evaluation.flags;
  const NamedBy named_by = flags.labels.empty() ? NamedBy::folders : NamedBy::labels;
  std::optional<Head> head;
  ClassMatch match;
  evaluation.processes.together([&] {
    head.emplace(evaluation.model, flags);
    match = match_classes(files.classes(), head->names(), head->classes(), named_by,
                          evaluation.classes_by);
  });
  note_match(files.classes(), match, head->names(), named_by, head->source());
  if (head->says_several() || has_several(files)) judged.ranking.emplace(head->classes());
  const ProbabilitiesOf probabilities = [&](std::span<const float> logits) {
    return head->probabilities(logits);
  };
  const auto judge = [&](size_t file, const FileAnswer& answer) {
    const std::vector<int> right = classes_of(files.labels(static_cast<int64_t>(file)), match);
    judged.accuracy.add(answer.scores(), right);
    if (judged.ranking) judged.ranking->add(head->scores(answer), right);
  };
  ByFile<FileAnswer> answers;
  return run_labelled(
      evaluation, evaluation.files, interrupt, judged.spent,
      [&](const Result& result, const InputBatch& batch) {
        check_finite(result.logits, flags.model);
        const auto add = [&](FileAnswer& answer, const InputBatch::Part&, int64_t i) {
          answer.add(head->logits(result, i), evaluation.spec.medium, probabilities);
        };
        answers.take(batch, add, judge);
      });
}

}  // namespace fovea::cli
