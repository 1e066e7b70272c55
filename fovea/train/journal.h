// The log of a training run: a CSV file that grows line by line, and the same for TensorBoard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>

#include "fovea/train/event_file.h"

namespace fovea {

// One line. What a line does not tell is empty in the file.
struct JournalLine {
  int64_t step = 0;  // steps done
  double epoch = 0;
  std::optional<double> loss = {};      // mean since the last line
  std::optional<double> accuracy = {};  // per cent, of the training pictures since the last line
  std::optional<double> learning_rate = {};
  std::optional<double> images_per_second = {};
  std::optional<double> val_top1 = {};  // per cent
  std::optional<double> val_top5 = {};
  double seconds = 0;  // of training
};

class Journal {
 public:
  // Goes on in a file whose lines of later steps than `step` are dropped, or begins one; beside it
  // begins an event file, which voids later steps of others. Throws Error where they can't be
  // written.
  Journal(const std::filesystem::path& path, int64_t step);
  // Throws Error likewise (a full disk).
  void add(const JournalLine& line);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
  EventFile events_;
};

}  // namespace fovea
