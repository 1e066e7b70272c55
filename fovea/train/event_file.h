// TensorBoard's event files: numbers by name and step, as a training run goes on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace fovea {

class EventFile {
 public:
  // Begins a file at `path`, whose name must have "tfevents" in it for TensorBoard to find it.
  // Throws Error where it can't be written.
  explicit EventFile(const std::filesystem::path& path);

  // Says that what other files of the folder hold of this step and later ones is void.
  void restart(int64_t step);
  // Adds a value, and sees to it that it can be read at once. Throws Error naming the file.
  void scalar(const std::string& tag, int64_t step, double value);

 private:
  void append(const std::string& event);

  std::filesystem::path path_;
  std::ofstream file_;
};

// Where the next event file of a folder belongs: later by name than those that are there.
std::filesystem::path next_event_file(const std::filesystem::path& folder);

}  // namespace fovea
