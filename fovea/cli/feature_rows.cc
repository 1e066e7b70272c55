#include "fovea/cli/feature_rows.h"

#include <algorithm>
#include <numeric>
#include <ostream>
#include <sstream>
#include <system_error>

#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"

namespace fovea::cli {

std::vector<size_t> done_before(const FeatureFiles& files, const Paths& pictures) {
  std::error_code ignored;
  const bool has_rows = std::filesystem::exists(files.output, ignored);
  const bool has_names = std::filesystem::exists(files.names, ignored);
  if (!has_rows && !has_names) return {};
  if (!has_rows || !has_names) {
    fail("--resume: {} is there without {}; expected both of an earlier run, or none",
         has_rows ? files.output : files.names, has_rows ? files.names : files.output);
  }
  std::vector<size_t> done;
  std::istringstream names(read_text(files.names, size_t{1} << 32));
  size_t next = 0;
  for (std::string name; std::getline(names, name); ++next) {
    while (next < pictures.size() && pictures[next].string() != name) ++next;
    if (next == pictures.size()) {
      fail(
          "{}: line {} is {}; expected pictures that are asked for now, in that order: --resume "
          "goes on with the same ones",
          files.names, done.size() + 1, printable(name));
    }
    done.push_back(next);
  }
  return done;
}

void FeatureRows::add(size_t picture, std::span<const float> row) {
  rows_.append(row);
  pictures_.push_back(picture);
}

void FeatureRows::add_file(const std::string& file, const std::vector<size_t>& pictures) {
  const Array array = read_npy(file);
  Shape wanted = shape_;
  wanted.insert(wanted.begin(), static_cast<int64_t>(pictures.size()));
  if (array.shape != wanted) {
    fail(
        "{}: is {}; expected {}, of this model and as many rows as there are names: --resume can't "
        "go on with it",
        file, to_string(array.shape), to_string(wanted));
  }
  const int64_t size = elements(shape_);
  for (size_t i = 0; i < pictures.size(); ++i) {
    add(pictures[i], std::span(array.data).subspan(i * size, size));
  }
}

void FeatureRows::collect(const Processes& processes) {
  using Bytes = std::span<const std::byte>;
  processes.collect(
      [&](const Processes::Give& give) {
        rows_.read([&](std::span<const float> row) { give(std::as_bytes(row)); });
      },
      [&](Bytes piece) {
        rows_.append({reinterpret_cast<const float*>(piece.data()), piece.size() / sizeof(float)});
      });
  processes.collect(
      [&](const Processes::Give& give) {
        for (const size_t& picture : pictures_) give(std::as_bytes(std::span(&picture, 1)));
      },
      [&](Bytes piece) { pictures_.push_back(*reinterpret_cast<const size_t*>(piece.data())); });
}

void FeatureRows::write(const FeatureFiles& files, const Paths& pictures) const {
  std::vector<size_t> order(pictures_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return pictures_[a] < pictures_[b]; });
  Replacement rows = rows_.write(files.output, order);
  if (files.names.empty()) return rows.take_place();
  Replacement names(files.names, [&](std::ostream& out) {
    for (const size_t row : order) out << pictures[pictures_[row]].string() << '\n';
  });
  Replacement::take_places({&rows, &names});
}

}  // namespace fovea::cli
