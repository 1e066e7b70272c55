#include "fovea/backend/cpu/processors.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace fovea {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool contains(const std::string& list, const std::string& word) {
  const std::vector<std::string> words = split(list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

// mountinfo writes a space in a path as \040, and a few others likewise.
std::string unescaped(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    const char* const end = text.data() + std::min(i + 4, text.size());
    const bool escaped = text[i] == '\\' && i + 3 < text.size() &&
                         std::from_chars(text.data() + i + 1, end, code, 8).ptr == end;
    plain += escaped ? static_cast<char>(code) : text[i];
    if (escaped) i += 3;
  }
  return plain;
}

// Where control groups that can limit processors are mounted.
struct Mount {
  int version;
  fs::path group;  // the one that is mounted
  fs::path place;
};

// man 5 proc: ID, parent, device, root, mount point, options, more fields, "-", type, source, super
// options.
std::optional<Mount> parse_mount(const std::string& line) {
  const size_t dash = line.find(" - ");
  if (dash == std::string::npos) return std::nullopt;
  const std::vector<std::string> fields = split(line.substr(0, dash), ' ');
  const std::vector<std::string> rest = split(line.substr(dash + 3), ' ');
  if (fields.size() < 5 || rest.empty()) return std::nullopt;
  const bool first = rest[0] == "cgroup" && rest.size() > 2 && contains(rest[2], "cpu");
  if (!first && rest[0] != "cgroup2") return std::nullopt;
  return Mount{first ? 1 : 2, unescaped(fields[3]), unescaped(fields[4])};
}

// This process's group of that version.
std::optional<fs::path> own_group(const fs::path& root, int version) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // hierarchy:controllers:path
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool is_it = version == 1 ? contains(controllers, "cpu") : line.starts_with("0::");
    if (is_it) return line.substr(second + 1);
  }
  return std::nullopt;
}

// Processors' worth of time in a group's period; infinite where it is not limited.
double quota_of(const fs::path& folder, int version) {
  double quota = 0, period = 0;
  if (version == 2) {
    std::ifstream file(folder / "cpu.max");  // "150000 100000", or "max 100000"
    file >> quota >> period;
  } else {
    std::ifstream(folder / "cpu.cfs_quota_us") >> quota;  // -1: no limit
    std::ifstream(folder / "cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : INFINITY;
}

// The least of a process's group and all that it is part of, as far as they can be seen.
double least_quota(const fs::path& root, const Mount& mount) {
  const std::optional<fs::path> group = own_group(root, mount.version);
  if (!group) return INFINITY;
  const fs::path within = group->lexically_relative(mount.group);
  const fs::path top = root / mount.place.relative_path();
  double least = quota_of(top, mount.version);
  fs::path folder = top;
  for (const fs::path& part : within) {
    if (part == "..") return least;  // a group outside of what is mounted
    folder /= part;
    least = std::min(least, quota_of(folder, mount.version));
  }
  return least;
}

}  // namespace

std::optional<int> quota_processors(const fs::path& root) {
  double least = INFINITY;
  std::ifstream mounts(root / "proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (const std::optional<Mount> mount = parse_mount(line)) {
      least = std::min(least, least_quota(root, *mount));
    }
  }
  constexpr double kMost = 1 << 20;
  if (!(least < kMost)) return std::nullopt;
  return std::max(1, static_cast<int>(std::ceil(least)));
}

std::optional<int> omp_threads(const char* text) {
  if (text == nullptr) return std::nullopt;
  std::string_view list(text);
  const auto trim = [&] { list.remove_prefix(std::min(list.find_first_not_of(' '), list.size())); };
  trim();
  int count = 0;
  const auto [end, error] = std::from_chars(list.data(), list.data() + list.size(), count);
  list.remove_prefix(static_cast<size_t>(end - list.data()));
  trim();
  const bool ends = list.empty() || list.front() == ',';
  if (error != std::errc() || !ends || count < 1) return std::nullopt;
  return count;
}

int runnable_processors() {
  int count = static_cast<int>(std::thread::hardware_concurrency());
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) count = CPU_COUNT(&set);
  return std::max(1, std::min(count, quota_processors("/").value_or(count)));
}

int usable_processors() {
  const int count = runnable_processors();
  return std::min(count, omp_threads(std::getenv("OMP_NUM_THREADS")).value_or(count));
}

int threads_to_start(int asked) {
  return asked > 0 ? std::min(asked, runnable_processors()) : usable_processors();
}

}  // namespace fovea
