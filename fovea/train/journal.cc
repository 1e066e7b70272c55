#include "fovea/train/journal.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "fovea/io/fail.h"
#include "fovea/io/file.h"

namespace fovea {
namespace {

constexpr const char* kHeader =
    "step,epoch,loss,accuracy,lr,images_per_second,val_top1,val_top5,seconds\n";

// The lines up to a step of a file that may not be there.
std::vector<std::string> kept_lines(const std::filesystem::path& path, int64_t step) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);                          // the header
  while (std::getline(file, line) && !file.eof()) {  // a line without an end was cut short
    const int64_t at = std::strtoll(line.c_str(), nullptr, 10);
    if (at > 0 && at <= step) lines.push_back(line);
  }
  return lines;
}

}  // namespace

Journal::Journal(const std::filesystem::path& path, int64_t step)
    : path_(path), events_(next_event_file(path.parent_path())) {
  const std::vector<std::string> lines = kept_lines(path, step);
  write_atomically(path, [&](std::ostream& out) {
    out << kHeader;
    for (const std::string& line : lines) out << line << "\n";
  });
  file_.open(path, std::ios::app);
  events_.restart(step + 1);
}

void Journal::add(const JournalLine& line) {
  const auto text = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.6g}", *value) : std::string();
  };
  file_ << fmt::format("{},{:.4f},{},{},{},{},{},{},{:.1f}\n", line.step, line.epoch,
                       text(line.loss), text(line.accuracy), text(line.learning_rate),
                       text(line.images_per_second), text(line.val_top1), text(line.val_top5),
                       line.seconds);
  file_.flush();
  if (!file_) fail("{}: cannot be written: the disk may be full", path_.string());
  const auto draw = [&](const char* tag, const std::optional<double>& value) {
    if (value) events_.scalar(tag, line.step, *value);
  };
  draw("train/loss", line.loss);
  draw("train/accuracy", line.accuracy);
  draw("train/learning_rate", line.learning_rate);
  draw("train/images_per_second", line.images_per_second);
  draw("val/top1", line.val_top1);
  draw("val/top5", line.val_top5);
}

}  // namespace fovea
