// How often a model names the class of a picture.
#pragma once

#include <cstdint>
#include <span>

namespace fovea {

struct Accuracy {
  int64_t images = 0;
  int64_t first = 0;       // the highest score is the class's
  int64_t among_five = 0;  // one of the five highest is

  // Of equal scores the lower class counts as higher.
  void add(std::span<const float> scores, int right) { add(scores, std::span(&right, 1)); }
  // Of several right classes, at least one, whichever has the highest score counts.
  void add(std::span<const float> scores, std::span<const int> right);
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
