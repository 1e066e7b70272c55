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

}  // namespace

Course course_of(const Architecture& a, const MergeOptions& merge,
                 std::optional<double> keep_ratio) {
  Course course{.merge = merge_course(merge, a.depth)};
  check_merge_options(merge, a.class_token);
  if (a.routing) check_routed(course.merge, a);
  course.keep_ratio = keep_ratio_of(a, keep_ratio);
  return course;
}

}  // namespace fovea
