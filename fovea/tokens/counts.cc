#include "fovea/tokens/counts.h"

#include <algorithm>

#include "fovea/io/fail.h"

namespace fovea {

int count_taken(const MergeOptions& options, const Amount& r, int tokens, int protected_tokens) {
  const int free = tokens - protected_tokens;
  if (options.method == Method::foveal) return std::min(r.of(free), free / 2);
  switch (options.matching) {
    case Matching::kth:
      return free / options.k * (options.k - 1);
    case Matching::bipartite:
    case Matching::random_bipartite:
      return std::min(r.of(free), free / 2);
    case Matching::greedy:
    case Matching::kmeans:
    case Matching::random_prune:
    case Matching::attention_prune:
      break;
  }
  return std::min(r.of(free), std::max(0, free - 1));
}

std::vector<int> tokens_per_layer(const MergeOptions& options, int depth, int tokens,
                                  int protected_tokens) {
  return tokens_per_layer(merge_course(options, depth), tokens, protected_tokens);
}

std::vector<int> tokens_per_layer(const MergeCourse& course, int tokens, int protected_tokens) {
  if (course.options.threshold)
    fail("with a threshold the number of tokens depends on the picture");
  std::vector<int> left;
  for (const Amount& r : course.r) {
    tokens -= count_taken(course.options, r, tokens, protected_tokens);
    left.push_back(tokens);
  }
  return left;
}

}  // namespace fovea
