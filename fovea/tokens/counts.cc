#include "fovea/tokens/counts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

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

Amount amount_in(const Amount& r, const Window& window, int side) {
  if (r.is_share()) return r;
  const double share = static_cast<double>(window.rows) * window.columns / (side * side);
  return static_cast<int>(std::lround(r.count() * share));
}

Amount amount_over_all(const Amount& r, const Windows& windows) {
  return r.is_share() ? r : Amount(r.count() * windows.full());
}

namespace {

// Tokens of each window, or all of them where there are none.
class Counted {
 public:
  Counted(const MergeOptions& options, int tokens, int protected_tokens,
          const WindowedLayers& windowed)
      : options_(options),
        protected_(protected_tokens),
        side_(windowed.side),
        windows_(windowed.grid, std::max(1, windowed.side)) {
    if (side_ == 0) of_window_ = {tokens};
    for (int i = 0; side_ > 0 && i < windows_.count(); ++i) {
      of_window_.push_back(windows_.at(i).rows * windows_.at(i).columns);
    }
    at_first_ = of_window_;
  }

  int total() const { return std::accumulate(of_window_.begin(), of_window_.end(), 0); }
  void unmerge() { of_window_ = at_first_; }

  void take(const Amount& r, bool within) {
    if (side_ > 0 && !within) return take_evenly(amount_over_all(r, windows_));
    for (size_t i = 0; i < of_window_.size(); ++i) {
      const Amount own = side_ > 0 ? amount_in(r, windows_.at(static_cast<int>(i)), side_) : r;
      of_window_[i] -= count_taken(options_, own, of_window_[i], protected_);
    }
  }

 private:
  // Of all windows together.
  void take_evenly(const Amount& r) {
    const int before = total();
    const int taken = count_taken(options_, r, before, protected_);
    int64_t seen = 0;
    for (int& count : of_window_) {
      const int64_t begin = seen * taken / std::max(1, before);
      seen += count;
      count -= static_cast<int>(seen * taken / std::max(1, before) - begin);
    }
  }

  const MergeOptions& options_;
  int protected_;
  int side_;
  Windows windows_;
  std::vector<int> of_window_, at_first_;
};

}  // namespace

std::vector<int> tokens_per_layer(const MergeOptions& options, int depth, int tokens,
                                  int protected_tokens, const WindowedLayers& windowed) {
  return tokens_per_layer(merge_course(options, depth), tokens, protected_tokens, windowed);
}

std::vector<int> tokens_per_layer(const MergeCourse& course, int tokens, int protected_tokens,
                                  const WindowedLayers& windowed) {
  if (course.options.threshold)
    fail("with a threshold the number of tokens depends on the picture");
  Counted counted(course.options, tokens, protected_tokens, windowed);
  std::vector<int> left;
  for (size_t layer = 0; layer < course.r.size(); ++layer) {
    counted.take(course.r[layer], windowed.side > 0 && windowed.within[layer]);
    left.push_back(counted.total());
    if (unmerges_behind(course.options, static_cast<int>(layer))) counted.unmerge();
  }
  return left;
}

}  // namespace fovea
