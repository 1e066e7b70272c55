#include "fovea/tokens/kmeans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "fovea/tokens/testing.h"

namespace fovea {
namespace {

using Points = std::vector<std::vector<double>>;

std::vector<size_t> nearest(const Points& points, const Points& centres, Distance distance) {
  std::vector<size_t> cluster;
  for (const std::vector<double>& point : points) {
    size_t best = 0;
    for (size_t c = 1; c < centres.size(); ++c) {
      if (plain_similarity(point, centres[c], distance) >
          plain_similarity(point, centres[best], distance)) {
        best = c;
      }
    }
    cluster.push_back(best);
  }
  return cluster;
}

// Five rounds over one image without protected tokens; a centre without points stays.
std::vector<size_t> plainly(const Points& points, const std::vector<float>& sizes, size_t count,
                            Distance distance) {
  Points centres;
  for (size_t c = 0; c < count; ++c) centres.push_back(points[c * points.size() / count]);
  std::vector<size_t> cluster;
  for (int round = 0; round < 5; ++round) {
    cluster = nearest(points, centres, distance);
    for (size_t c = 0; c < count; ++c) {
      std::vector<double> sum(points[0].size());
      double weight = 0;
      for (size_t i = 0; i < points.size(); ++i) {
        if (cluster[i] != c) continue;
        weight += sizes[i];
        for (size_t f = 0; f < sum.size(); ++f) sum[f] += points[i][f] * sizes[i];
      }
      for (double& value : sum) value /= weight;
      if (weight > 0) centres[c] = sum;
    }
  }
  return cluster;
}

TEST(KMeans, IsThePlainAlgorithm) {
  constexpr int kRows = 40;
  int compared = 0;
  for (const Distance distance : {Distance::cosine, Distance::dot, Distance::euclidean}) {
    for (uint32_t seed = 0; seed < 10; ++seed) {
      const Array features = random_rows(kRows, 3, seed);
      std::vector<float> sizes(kRows);
      for (size_t i = 0; i < sizes.size(); ++i) sizes[i] = static_cast<float>(1 + i * 5 % 3);
      Points points;
      for (int i = 0; i < kRows; ++i) points.push_back(plain_row(features, i));
      const std::vector<size_t> want = plainly(points, sizes, 9, distance);
      const Leaders leaders =
          match_kmeans({0, kRows}, 0, {kRows - 9}, Features(features), sizes, distance);
      expect_valid(plan_of({0, kRows}, leaders), {0, kRows}, 0, {kRows - 9});
      if (std::set<size_t>(want.begin(), want.end()).size() < 9) continue;  // some are refilled
      ++compared;
      std::map<size_t, int32_t> first;
      for (int32_t i = 0; i < kRows; ++i) {
        EXPECT_EQ(leaders[i], first.try_emplace(want[i], i).first->second) << seed << ' ' << i;
      }
    }
  }
  EXPECT_GE(compared, 20);
}

TEST(KMeans, KeepsItsNumberOfClustersWhereAllTokensAreAlike) {
  const Sequences sequences = {0, 12, 20};
  for (const Distance distance : {Distance::cosine, Distance::dot, Distance::euclidean}) {
    const Features features(Array({20, 4}));
    const Leaders leaders =
        match_kmeans(sequences, 2, {6, 1}, features, std::vector<float>(20, 1.0F), distance);
    expect_valid(plan_of(sequences, leaders), sequences, 2, {6, 1});
  }
}

TEST(KMeans, FindsClearClusters) {
  // Protected, then tokens of two kinds; the cluster stands where its first token was.
  const Array features({7, 2}, {9, 9, 1, 0, 0, 1, 1, 0.1F, 0.1F, 1, 1, 0.2F, 0, 1});
  EXPECT_THAT(match_kmeans({0, 7}, 1, {4}, Features(features), std::vector<float>(7, 1.0F),
                           Distance::cosine),
              testing::ElementsAre(0, 1, 2, 1, 2, 1, 2));
}

}  // namespace
}  // namespace fovea
