#include "fovea/tokens/kmeans.h"

#include <algorithm>
#include <cstddef>

namespace fovea {
namespace {

constexpr int kRounds = 5;

// The clusters of rows [begin, end) of one image.
class Clusters {
 public:
  Clusters(const Features& features, const std::vector<float>& sizes, Distance distance,
           int32_t begin, int32_t end, int32_t count)
      : features_(features),
        sizes_(sizes),
        distance_(distance),
        begin_(begin),
        centres_(Array({count, static_cast<int64_t>(features.width)})),
        points_(Array({end - begin, static_cast<int64_t>(features.width)})),
        cluster_(end - begin),
        likeness_(end - begin),
        members_(count) {
    for (int32_t i = 0; i < points(); ++i) {
      std::ranges::copy(features.row(begin + i), points_.row(i).begin());
      prepare(points_.row(i), distance);
    }
    for (int32_t c = 0; c < count; ++c) {
      const int64_t start = static_cast<int64_t>(c) * points() / count;
      std::ranges::copy(points_.row(static_cast<int32_t>(start)), centres_.row(c).begin());
    }
  }

  // The cluster of every token.
  const std::vector<int32_t>& run() {
    assign();
    for (int round = 1; round < kRounds; ++round) {
      move_centres();
      assign();
    }
    fill_empty();
    return cluster_;
  }

 private:
  int32_t points() const { return static_cast<int32_t>(cluster_.size()); }
  int32_t count() const { return static_cast<int32_t>(members_.size()); }

  // Every token joins its most similar centre, of equal ones the first.
  void assign() {
    std::fill(members_.begin(), members_.end(), 0);
    for (int32_t i = 0; i < points(); ++i) {
      cluster_[i] = 0;
      likeness_[i] = similarity(points_.row(i), centres_.row(0), distance_);
      for (int32_t c = 1; c < count(); ++c) {
        const float score = similarity(points_.row(i), centres_.row(c), distance_);
        if (score > likeness_[i]) {
          likeness_[i] = score;
          cluster_[i] = c;
        }
      }
      ++members_[cluster_[i]];
    }
  }

  // Centres become means of their tokens' features; those without tokens stay where they are.
  void move_centres() {
    std::vector<float> weights(count());
    for (int32_t c = 0; c < count(); ++c) {
      if (members_[c] > 0) std::ranges::fill(centres_.row(c), 0.0F);
    }
    for (int32_t i = 0; i < points(); ++i) {
      const std::span<float> centre = centres_.row(cluster_[i]);
      const std::span<const float> feature = features_.row(begin_ + i);
      const float size = sizes_[begin_ + i];
      for (size_t f = 0; f < centre.size(); ++f) centre[f] += feature[f] * size;
      weights[cluster_[i]] += size;
    }
    for (int32_t c = 0; c < count(); ++c) {
      if (members_[c] == 0) continue;
      for (float& value : centres_.row(c)) value /= weights[c];
      prepare(centres_.row(c), distance_);
    }
  }

  void fill_empty() {
    for (int32_t c = 0; c < count(); ++c) {
      if (members_[c] > 0) continue;
      int32_t least = -1;
      for (int32_t i = 0; i < points(); ++i) {
        const bool has_company = members_[cluster_[i]] > 1;
        if (has_company && (least < 0 || likeness_[i] < likeness_[least])) least = i;
      }
      --members_[cluster_[least]];
      cluster_[least] = c;
      members_[c] = 1;
    }
  }

  const Features& features_;
  const std::vector<float>& sizes_;
  Distance distance_;
  int32_t begin_;
  Features centres_;  // [clusters, F], prepared
  Features points_;   // [tokens, F], prepared
  std::vector<int32_t> cluster_;
  std::vector<float> likeness_;   // of every token to its centre
  std::vector<int32_t> members_;  // how many tokens each cluster has
};

}  // namespace

Leaders match_kmeans(const Sequences& sequences, int protected_tokens,
                     const std::vector<int>& taken, const Features& features,
                     const std::vector<float>& sizes, Distance distance) {
  Leaders leaders = own_leaders(sequences);
  for (size_t image = 0; image < taken.size(); ++image) {
    if (taken[image] == 0) continue;
    const int32_t begin = sequences[image] + protected_tokens;
    const int32_t end = sequences[image + 1];
    Clusters clusters(features, sizes, distance, begin, end, end - begin - taken[image]);
    const std::vector<int32_t>& cluster = clusters.run();
    for (int32_t i = 0; i < end - begin; ++i) {
      const auto first = std::find(cluster.begin(), cluster.end(), cluster[i]);
      leaders[begin + i] = begin + static_cast<int32_t>(first - cluster.begin());
    }
  }
  return leaders;
}

}  // namespace fovea
