// Several settings of merging beside the dense model, on the same pictures: what they keep of its
// answers, and how fast they are.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/report/fidelity.h"

namespace fovea {

// What one setting gave so far.
struct Score {
  Fidelity fidelity;
  double gflops = 0;  // of all images together
  int64_t timed_images = 0;
  std::vector<double> seconds;  // of each timed batch the fastest run

  double images_per_second() const;  // 0 where nothing was timed
  double gflops_per_image() const;
};

// What results are compared by: the embedding where there is one, else features.
const Array& compared(const Result& result);

// What a batch of images [B, 3, H, W] took together, merged so: whatever a threshold let merge.
double gflops_run(const Model& model, const Array& images, const MergeOptions& merge,
                  const Result& result);

// Runs batch by batch, every setting on a batch before the next one, so that other work on the
// machine hits all of them alike.
class Comparison {
 public:
  // The dense model is setting 0; those given follow. `model` must outlive this. Once `stopped`
  // says so, the batch at hand is dropped for all settings.
  Comparison(
      const Model& model, const std::vector<MergeOptions>& settings,
      std::function<bool()> stopped = [] { return false; });

  size_t size() const { return merges_.size(); }
  const Score& score(size_t setting) const { return scores_[setting]; }

  // images: [B, 3, H, W]. Adds to what is known of the answers; and, if so asked, times the runs.
  void add(const Array& images, bool timed);
  // Once more: the fastest run of each batch counts. `batch` counts those that were timed; the
  // images must be the same.
  void time_again(const Array& images, size_t batch);

 private:
  void judge(const Array& images, size_t setting, const Result& result, const Result& dense,
             Score& score) const;
  Result run(const Array& images, size_t setting, double* fastest) const;

  const Model& model_;
  std::vector<MergeOptions> merges_;
  std::function<bool()> stopped_;
  std::vector<Score> scores_;
};

}  // namespace fovea
