// What embed writes: a row for each picture and its name, in the order of the command line, also
// where pieces of it come from several processes or from an earlier run.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "fovea/io/npy_rows.h"
#include "fovea/processes/processes.h"

namespace fovea::cli {

using Paths = std::vector<std::filesystem::path>;

// The files of an embedding; no names where that is empty.
struct FeatureFiles {
  std::string output, names;
};

// The numbers of those of `pictures` that an earlier run has written, in order; none where neither
// of its files is there. Throws Error where the files are of other pictures, or in another order.
std::vector<size_t> done_before(const FeatureFiles& files, const Paths& pictures);

class FeatureRows {
 public:
  explicit FeatureRows(const Shape& row) : shape_(row), rows_(row) {}

  size_t count() const { return rows_.count(); }
  // The row of a picture by its number on the command line.
  void add(size_t picture, std::span<const float> row);
  // The rows of an earlier run, of these pictures. Throws Error where they are of another shape.
  void add_file(const std::string& file, const std::vector<size_t>& pictures);
  // All processes: brings the rows of all to the first one.
  void collect(const Processes& processes);
  // Both files, or none.
  void write(const FeatureFiles& files, const Paths& pictures) const;

 private:
  Shape shape_;
  NpyRows rows_;
  std::vector<size_t> pictures_;  // of each row
};

}  // namespace fovea::cli
