// Small pictures that are easy to tell apart, and what runs that train on them wrote down.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "fovea/data/encoders.h"
#include "fovea/io/file.h"
#include "fovea/io/random.h"
#include "fovea/io/testing.h"

namespace fovea {

// Noise around a colour that is the class's.
inline Image training_picture(int label, uint64_t seed) {
  Image image;
  image.width = 20;
  image.height = 20;
  Random random({seed, static_cast<uint64_t>(label)});
  for (int i = 0; i < 400; ++i) {
    for (int c = 0; c < 3; ++c) {
      const double value = (c == label ? 170 : 90) + 40 * random.normal();
      image.rgb.push_back(static_cast<uint8_t>(std::clamp(value, 0.0, 255.0)));
    }
  }
  return image;
}

// Three classes: train/ has 72 pictures, val/ 24.
inline void write_training_data(const std::filesystem::path& data) {
  for (const char* split : {"train", "val"}) {
    for (int label = 0; label < 3; ++label) {
      const auto folder = data / split / (std::string("class") + std::to_string(label));
      std::filesystem::create_directories(folder);
      for (int i = 0; i < (split[0] == 't' ? 24 : 8); ++i) {
        const uint64_t seed = split[0] == 't' ? i : 1000 + i;
        write_file(folder / (std::to_string(i) + ".png"),
                   encode_png(training_picture(label, seed)));
      }
    }
  }
}

// The losses in a run's log, by step.
inline std::map<int64_t, std::string> logged_losses(const std::filesystem::path& output) {
  std::ifstream file(output / "log.csv");
  std::map<int64_t, std::string> losses;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    std::string step, epoch, loss;
    std::getline(cells, step, ',');
    std::getline(cells, epoch, ',');
    std::getline(cells, loss, ',');
    if (!loss.empty()) losses[std::stoll(step)] = loss;
  }
  return losses;
}

}  // namespace fovea
