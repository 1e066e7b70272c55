#include "fovea/tokens/greedy.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

namespace fovea {
namespace {

// The tokens of one image that may merge, and for each the best partner among those after it.
class Greedy {
 public:
  // Works on rows [begin, end) of means, and of what is compared: the means, prepared.
  Greedy(Features& means, Features& compared, std::vector<float>& sizes, Distance distance,
         int32_t begin, int32_t end)
      : means_(means), compared_(compared), sizes_(sizes), distance_(distance) {
    alive_.resize(end - begin);
    std::iota(alive_.begin(), alive_.end(), begin);
    best_.resize(alive_.size());
    for (size_t i = 0; i < alive_.size(); ++i) search(i);
  }

  // Merges the best pair and returns it, the one that stays first.
  std::pair<int32_t, int32_t> merge_best() {
    const auto better = [](const Best& a, const Best& b) { return a.score < b.score; };
    const auto i = std::max_element(best_.begin(), best_.end() - 1, better) - best_.begin();
    const int32_t stays = alive_[i];
    const int32_t goes = best_[i].partner;
    join(stays, goes);
    const auto gone = std::lower_bound(alive_.begin(), alive_.end(), goes) - alive_.begin();
    alive_.erase(alive_.begin() + gone);
    best_.erase(best_.begin() + gone);
    search(i);
    for (size_t j = 0; j < alive_.size(); ++j) follow(j, stays, goes);
    return {stays, goes};
  }

 private:
  struct Best {
    float score = 0;
    int32_t partner = -1;
  };

  void search(size_t i) {
    best_[i] = {-std::numeric_limits<float>::infinity(),
                i + 1 < alive_.size() ? alive_[i + 1] : -1};
    for (size_t j = i + 1; j < alive_.size(); ++j) offer(i, alive_[j]);
  }

  void offer(size_t i, int32_t row) {
    const float score = similarity(compared_.row(alive_[i]), compared_.row(row), distance_);
    const bool before = score == best_[i].score && row < best_[i].partner;
    if (score > best_[i].score || before) best_[i] = {score, row};
  }

  // What a merge changes for the i-th token.
  void follow(size_t i, int32_t stays, int32_t goes) {
    if (alive_[i] == stays) return;
    if (best_[i].partner == stays || best_[i].partner == goes) {
      search(i);
    } else if (alive_[i] < stays) {
      offer(i, stays);
    }
  }

  void join(int32_t stays, int32_t goes) {
    const float total = sizes_[stays] + sizes_[goes];
    const std::span<float> mean = means_.row(stays);
    const std::span<const float> other = means_.row(goes);
    for (size_t c = 0; c < mean.size(); ++c) {
      mean[c] = (mean[c] * sizes_[stays] + other[c] * sizes_[goes]) / total;
    }
    sizes_[stays] = total;
    std::copy(mean.begin(), mean.end(), compared_.row(stays).begin());
    prepare(compared_.row(stays), distance_);
  }

  Features& means_;
  Features& compared_;
  std::vector<float>& sizes_;
  Distance distance_;
  std::vector<int32_t> alive_;  // rows, ascending
  std::vector<Best> best_;      // of each of them
};

}  // namespace

Leaders match_greedily(const Sequences& sequences, int protected_tokens,
                       const std::vector<int>& taken, Features features, std::vector<float> sizes,
                       Distance distance) {
  Leaders leaders = own_leaders(sequences);
  Features compared = features;
  for (int32_t row = 0; row < sequences.back(); ++row) prepare(compared.row(row), distance);
  for (size_t image = 0; image < taken.size(); ++image) {
    if (taken[image] == 0) continue;
    const int32_t begin = sequences[image] + protected_tokens;
    const int32_t end = sequences[image + 1];
    Greedy greedy(features, compared, sizes, distance, begin, end);
    for (int i = 0; i < taken[image]; ++i) {
      const auto [stays, goes] = greedy.merge_best();
      std::replace(leaders.begin() + begin, leaders.begin() + end, goes, stays);
    }
  }
  return leaders;
}

}  // namespace fovea
