// What the tests of commands over videos and sound share: files, and what comes of them by hand.
#pragma once

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "fovea/data/media_testing.h"
#include "fovea/data/resize.h"
#include "fovea/fovea.h"
#include "tests/cli_testing.h"

namespace fovea {

inline const std::string kVideoModel = test_data() / "goldens-video" / "videomae";
inline const std::string kSoundModel = test_data() / "goldens-audio" / "ast";

// One input of kVideoModel: the part from column `left` on, of four frames of shapes.mp4 (96 x 72,
// resized to 85 x 64), 2 apart, from `first` on.
inline Array clip_of_shapes(int64_t first, int left) {
  const std::unique_ptr<FrameSource> video = open_video(media("shapes.mp4"));
  Array clip({1, 3, 4, 64, 64});
  const std::vector<Image> frames = frames_at(*video, {first, first + 2, first + 4, first + 6});
  for (int64_t t = 0; t < 4; ++t) {
    const Image part = resize(frames[t], 85, 64, Interpolation::bilinear, {left, 0, 64, 64});
    for (int64_t i = 0; i < 3 * 64 * 64; ++i) {
      const float value = static_cast<float>(part.rgb[i]) / 255;
      clip.data[((i % 3) * 4 + t) * 64 * 64 + i / 3] = (value - 0.5F) / 0.5F;
    }
  }
  return clip;
}

// A chirp of so many seconds at 16 kHz.
inline void write_chirp(const std::filesystem::path& path, double seconds, double rise = 900) {
  std::vector<float> samples(static_cast<size_t>(16'000 * seconds));
  for (size_t i = 0; i < samples.size(); ++i) {
    const double t = static_cast<double>(i) / 16'000;
    samples[i] = static_cast<float>(0.4 * std::sin(2 * M_PI * (200 + rise * t) * t));
  }
  write_wav(path, 16'000, 1, samples);
}

// Inputs of kSoundModel, [1, 96, 128]: frames of a file from `first` on, zeros behind its end.
inline Array window_of(const std::filesystem::path& file, size_t first) {
  std::vector<float> values = log_mel_of(open_sound(file));
  values.erase(values.begin(), values.begin() + static_cast<ptrdiff_t>(first * 128));
  values.resize(size_t{96} * 128);
  normalize_log_mel(SoundPreprocessing(), values);
  return Array({1, 96, 128}, std::move(values));
}

// A part of what a model gives, such as &Result::logits, of each of some inputs.
inline std::vector<std::vector<float>> part_of(const std::string& model,
                                               const std::vector<Array>& inputs,
                                               Array Result::*part) {
  const Model loaded = Model::load(model);
  std::vector<std::vector<float>> all;
  for (const Array& input : inputs) all.push_back((loaded.run(input).*part).data);
  return all;
}
inline std::vector<std::vector<float>> features_of(const std::string& model,
                                                   const std::vector<Array>& inputs) {
  return part_of(model, inputs, &Result::features);
}
inline std::vector<std::vector<float>> logits_of(const std::string& model,
                                                 const std::vector<Array>& inputs) {
  return part_of(model, inputs, &Result::logits);
}

template <class Number>
std::vector<double> mean_of(const std::vector<std::vector<Number>>& rows) {
  std::vector<double> mean(rows.front().size());
  for (const std::vector<Number>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) mean[i] += row[i] / static_cast<double>(rows.size());
  }
  return mean;
}

template <class Number>
std::vector<double> softmax_of(const std::vector<Number>& logits) {
  std::vector<double> shares;
  for (const Number logit : logits) shares.push_back(std::exp(static_cast<double>(logit)));
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share /= sum;
  return shares;
}

// The probabilities of classify's "top", by class; all classes must be in it.
inline std::vector<double> by_class(const nlohmann::json& top) {
  std::vector<double> probabilities(top.size());
  for (const nlohmann::json& guess : top) {
    probabilities.at(guess["index"].get<size_t>()) = guess["probability"];
  }
  return probabilities;
}

inline void expect_near(const std::vector<double>& got, const std::vector<double>& want,
                        double allowed) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], allowed) << i;
}

}  // namespace fovea
