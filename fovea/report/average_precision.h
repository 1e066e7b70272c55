// How well scores rank the pictures of each class: for pictures that may be of several classes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace fovea {

// The average precision of one class: the sum over the scores that occur, from the highest down, of
// the precision among the pictures with at least that score, times what it adds to the recall (no
// interpolation; as scikit-learn's average_precision_score). `is_right`: of each picture, whether
// it is of the class. 0 where none is.
double average_precision(std::span<const float> scores, const std::vector<bool>& is_right);

// Scores of pictures for every class, and which are right.
class ClassRanking {
 public:
  explicit ClassRanking(int classes) : classes_(classes) {}

  // One picture's scores, of all classes, and its right classes.
  void add(std::span<const float> scores, std::span<const int> right);
  // What several rankings hold, as plain numbers that can be joined one behind the other.
  std::vector<float>& scores() { return scores_; }
  std::vector<int>& right() { return right_; }

  // The mean of the average precisions of all classes that are right for some picture, in per cent.
  double mean_average_precision() const;

 private:
  int classes_;
  std::vector<float> scores_;  // [pictures, classes]
  std::vector<int> right_;     // of each picture the classes, then -1
};

}  // namespace fovea
