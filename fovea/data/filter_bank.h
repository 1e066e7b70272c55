// Kaldi's log mel filter banks: what audio models are given of sound.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace fovea {

// As torchaudio.compliance.kaldi.fbank computes them with a Hann window, neither dither nor energy:
// frames of 25 ms every 10 ms, triangles from 20 Hz to half the rate, evenly spaced on the mel
// scale.
class FilterBank {
 public:
  // Throws Error where there are no such filters: `filters` from 1 to 1024, `rate` from 1000 to
  // 192,000 samples a second.
  FilterBank(int filters, int rate);
  ~FilterBank();
  FilterBank(FilterBank&&) noexcept;
  FilterBank& operator=(FilterBank&&) noexcept;

  int filters() const { return static_cast<int>(triangles_.size()); }
  // Samples of a frame, and from the first of one to the first of the next.
  int frame_length() const { return static_cast<int>(window_.size()); }
  int frame_step() const { return step_; }
  // Whole frames of so many samples.
  int64_t frames_of(int64_t samples) const;

  // The natural logarithms of a frame's filters, of which none is below log(1.1920929e-07).
  // `samples`: frame_length(), finite; `out`: filters(). Not for several threads at once.
  void compute(std::span<const float> samples, std::span<float> out);

 private:
  // Weights of the bins of the spectrum that a filter hears.
  struct Triangle {
    size_t first = 0;
    std::vector<float> weights;
  };
  struct Transform;

  int step_;
  std::vector<float> window_;
  std::vector<Triangle> triangles_;
  std::unique_ptr<Transform> transform_;
};

}  // namespace fovea
