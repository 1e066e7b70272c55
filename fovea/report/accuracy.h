// How often a model names the class of a picture.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fovea {

// Which of a model's classes each folder's name means.
struct ClassMatch {
  std::vector<int> classes;  // of each folder
  bool by_label = false;     // else by the sorted order of the folders
};

// A name means a label where both are the same, or are but for case, blanks and underscores, or
// where it is one of the label's names between commas ("tench, Tinca tinca"). Where not one folder
// does, and there are as many as classes, their sorted order counts. Throws Error naming the folder
// that means no label, or one that another means too.
ClassMatch match_classes(const std::vector<std::string>& folders,
                         const std::vector<std::string>& labels, int classes);

struct Accuracy {
  int64_t images = 0;
  int64_t first = 0;       // the highest score is the class's
  int64_t among_five = 0;  // one of the five highest is

  // Of equal scores the lower class counts as higher.
  void add(std::span<const float> scores, int right);
  // The same of votes: a class that nobody voted for is not among the highest.
  void add_votes(std::span<const float> votes, int right);
  double top1() const { return share(first); }  // per cent
  double top5() const { return share(among_five); }

 private:
  double share(int64_t count) const {
    return images == 0 ? 0 : 100.0 * static_cast<double>(count) / static_cast<double>(images);
  }
};

}  // namespace fovea
