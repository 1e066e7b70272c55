#include "fovea/model/course.h"

#include <algorithm>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

// What a big.LITTLE ViT can't follow.
void check_routed(const MergeCourse& course, const Architecture& a) {
  const MergeOptions& merge = course.options;
  if (merge.method == Method::foveal) {
    fail("method foveal is for plain models, this is a big.LITTLE ViT; expected method tome");
  }
  const bool merges = std::any_of(course.r.begin(), course.r.end(),
                                  [](const Amount& r) { return r.takes_any(); }) ||
                      merge.matching == Matching::kth;
  if (merges && !a.routing->cross_attention) {
    fail(
        "r = {}: a big.LITTLE ViT whose attention sees selected tokens alone can't match the "
        "others; "
        "expected r = 0",
        to_string(merge.schedule));
  }
  if (merge.threshold) {
    fail(
        "threshold {}: all images of a batch that a big.LITTLE ViT routes must keep equally many "
        "tokens; expected r alone",
        *merge.threshold);
  }
  if (merge.metric == Metric::q) {
    fail(
        "metric q: only the selected tokens of a big.LITTLE ViT have queries; expected k, v, x or "
        "k_concat");
  }
}

// What an encoder with a dense embedding can't follow, and what others can't.
void check_dense(const MergeOptions& merge, const Architecture& a) {
  if (a.neck == 0 && merge.unmerge_every > 0) {
    fail("unmerge-every {}: the model has no dense embedding; expected none", merge.unmerge_every);
  }
  const bool prunes =
      merge.matching == Matching::random_prune || merge.matching == Matching::attention_prune;
  if (a.neck > 0 && prunes) {
    fail(
        "matching of a kind that drops tokens: the model's embedding is dense; expected one that "
        "merges");
  }
}

}  // namespace

Course course_of(const Architecture& a, const MergeOptions& merge,
                 std::optional<double> keep_ratio) {
  Course course{.merge = merge_course(merge, a.depth)};
  check_merge_options(merge, a.class_token);
  check_dense(merge, a);
  if (a.routing) check_routed(course.merge, a);
  course.keep_ratio = keep_ratio_of(a, keep_ratio);
  return course;
}

void keep_on_the_way(const Architecture& a, const std::vector<int>& layers, bool attention,
                     Course& course) {
  for (const int layer : layers) {
    if (layer < 1 || layer > a.depth) {
      fail("layer {}: the model has {}; expected 1 to {}", layer, a.depth, a.depth);
    }
  }
  course.layers = layers;
  if (!attention) return;
  if (!a.class_token) {
    fail("attention is that of the class token, and the model has none; expected it not asked for");
  }
  if (a.routing && !a.routing->cross_attention) {
    fail(
        "attention of a big.LITTLE ViT that sees selected tokens alone is not of all tokens; "
        "expected it not asked for");
  }
  course.attention_layers = layers;
  course.attention_layers.push_back(a.depth);
}

void read_pooled_alone(const Architecture& a, Course& course) {
  const bool keeps_last = std::ranges::find(course.layers, a.depth) != course.layers.end() ||
                          !course.attention_layers.empty();
  if (!course.trace && !keeps_last) course.last_asking = last_asking(a, course.merge.options);
}

}  // namespace fovea
