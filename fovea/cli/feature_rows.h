// What embed writes: a row for each file, or for each of its clips or windows, and its name, in the
// order of the command line, also where pieces of it come from several processes or from an earlier
// run.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "fovea/cli/feature_formats.h"
#include "fovea/io/row_file.h"
#include "fovea/processes/processes.h"

namespace fovea::cli {

using Paths = std::vector<std::filesystem::path>;

// Euclidean.
double length_of(std::span<const float> vector);
// Scales a vector to length 1; one of zeros stays.
void normalize(std::span<float> vector);

// The files of an embedding, and how they are written.
struct FeatureFiles {
  std::string output;
  std::string names;  // none where that is empty
  bool raw_names =
      false;  // NUL ends each name, else a newline, and \n, \r, \\ stand for such bytes
  RowStorage storage = {};
  bool parts = false;  // names end in #0, #1, ...: the number of the clip or window
};

// What a row is of.
struct RowKey {
  size_t file;      // its number on the command line
  size_t part = 0;  // of the file's clips or windows

  bool operator<(const RowKey& other) const {
    return file != other.file ? file < other.file : part < other.part;
  }
};

// The rows that an earlier run has written, in order, each of one of `paths`; none where neither of
// its files is there. Throws Error where they are of other files, or in another order.
std::vector<RowKey> done_before(const FeatureFiles& files, const Paths& paths);

class FeatureRows {
 public:
  // With `normalized`, every vector of channels (the last extent of a row) is scaled to length 1;
  // one of zeros stays. `half`: whether the rows will be stored as f16.
  FeatureRows(const Shape& row, bool normalized, bool half)
      : normalized_(normalized), half_(half), rows_(row) {}

  size_t count() const { return rows_.count(); }
  // How many files there are rows of.
  size_t files() const;
  // Throws Error where f16 can't hold it.
  void add(const RowKey& key, std::vector<float> row);
  // The rows of an earlier run. Throws Error where they are of another shape or storage, have other
  // names, or are normalised where these are not.
  void add_file(const FeatureFiles& files, const Paths& paths, const std::vector<RowKey>& keys);
  // All processes: brings the rows of all to the first one.
  void collect(const Processes& processes);
  // Both files, or none.
  void write(const FeatureFiles& files, const Paths& paths) const;

 private:
  int64_t channels() const { return rows_.row_shape().back(); }
  void keep(const RowKey& key, std::span<const float> row);

  bool normalized_;
  bool half_;
  RowFile rows_;
  std::vector<RowKey> keys_;  // of each row
};

}  // namespace fovea::cli
