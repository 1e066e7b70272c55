#include "fovea/report/accuracy.h"

namespace fovea {

void Accuracy::add(std::span<const float> scores, std::span<const int> right) {
  int best = right.front();
  for (const int other : right) {
    if (scores[other] > scores[best] || (scores[other] == scores[best] && other < best)) {
      best = other;
    }
  }
  int higher = 0;
  for (int i = 0; i < static_cast<int>(scores.size()); ++i) {
    higher += scores[i] > scores[best] || (scores[i] == scores[best] && i < best) ? 1 : 0;
  }
  ++images;
  first += higher == 0 ? 1 : 0;
  among_five += higher < 5 ? 1 : 0;
}

void Accuracy::add_votes(std::span<const float> votes, int right) {
  if (votes[right] > 0) {
    add(votes, right);
  } else {
    ++images;
  }
}

}  // namespace fovea
