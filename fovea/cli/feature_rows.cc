#include "fovea/cli/feature_rows.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <ostream>
#include <string_view>
#include <system_error>

#include "fovea/io/fail.h"
#include "fovea/io/file.h"

namespace fovea::cli {
namespace {

// A name as one line.
std::string escaped(std::string_view name) {
  std::string line;
  for (const char c : name) {
    if (c == '\n') {
      line += "\\n";
    } else if (c == '\r') {
      line += "\\r";
    } else if (c == '\\') {
      line += "\\\\";
    } else {
      line += c;
    }
  }
  return line;
}

// A name as it stands in the file of names, without what ends it.
std::string name_in_file(const std::string& name, const FeatureFiles& files) {
  return files.raw_names ? name : escaped(name);
}

std::string name_of(const RowKey& key, const FeatureFiles& files, const Paths& paths) {
  const std::string path = paths[key.file].string();
  return files.parts ? fmt::format("{}#{}", path, key.part) : path;
}

std::vector<std::string> names_of(const std::vector<RowKey>& keys, const FeatureFiles& files,
                                  const Paths& paths) {
  std::vector<std::string> names;
  for (const RowKey& key : keys) names.push_back(name_of(key, files, paths));
  return names;
}

char end_of_name(const FeatureFiles& files) { return files.raw_names ? '\0' : '\n'; }

std::vector<std::string> read_names(const FeatureFiles& files) {
  const std::string text = read_text(files.names, size_t{1} << 32);
  std::vector<std::string> names;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(end_of_name(files), begin), text.size());
    names.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

// Throws Error where an earlier run's vectors are normalised and these are not, or the other way
// round. Length 1 is as near to it as f16 tells; those of zeros have none.
void check_lengths(std::span<const float> values, int64_t channels, bool normalized,
                   const std::string& file) {
  bool has_unit = false;
  bool has_other = false;
  for (size_t i = 0; i < values.size(); i += channels) {
    const double length = length_of(values.subspan(i, channels));
    has_unit = has_unit || std::abs(length - 1) < 1e-3;
    has_other = has_other || (length != 0 && !(std::abs(length - 1) < 1e-3));
  }
  if (normalized && has_other) {
    fail("{}: its rows are not all of length 1; --resume goes on without --normalize", file);
  }
  if (!normalized && has_unit && !has_other) {
    fail("{}: its rows are all of length 1; --resume goes on with --normalize", file);
  }
}

void check_range(std::span<const float> row) {
  for (const float value : row) {
    if (!std::isfinite(value) || std::abs(value) < 65520) continue;
    fail("--output-dtype f16: a feature is {}; expected at most 65504", value);
  }
}

}  // namespace

double length_of(std::span<const float> vector) {
  return std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0));
}

void normalize(std::span<float> vector) {
  const double length = length_of(vector);
  if (length == 0) return;
  for (float& value : vector) value = static_cast<float>(value / length);
}

std::vector<RowKey> done_before(const FeatureFiles& files, const Paths& paths) {
  std::error_code ignored;
  const bool has_rows = std::filesystem::exists(files.output, ignored);
  const bool has_names = std::filesystem::exists(files.names, ignored);
  if (!has_rows && !has_names) return {};
  if (!has_rows || !has_names) {
    fail("--resume: {} is there without {}; expected both of an earlier run, or none",
         has_rows ? files.output : files.names, has_rows ? files.names : files.output);
  }
  std::vector<RowKey> done;
  RowKey next = {0};
  for (const std::string& name : read_names(files)) {
    const auto is_next = [&] { return name_in_file(name_of(next, files, paths), files) == name; };
    // Another part of the last file, or else the first of one behind it.
    if (next.part > 0 && !is_next()) next = {next.file + 1};
    while (next.file < paths.size() && !is_next()) ++next.file;
    if (next.file == paths.size()) {
      fail(
          "{}: {} {} is {}; expected pictures that are asked for now, in that order: --resume "
          "goes on with the same ones",
          files.names, files.raw_names ? "name" : "line", done.size() + 1, printable(name));
    }
    done.push_back(next);
    next = files.parts ? RowKey{next.file, next.part + 1} : RowKey{next.file + 1};
  }
  return done;
}

size_t FeatureRows::files() const {
  return static_cast<size_t>(
      std::count_if(keys_.begin(), keys_.end(), [](const RowKey& key) { return key.part == 0; }));
}

void FeatureRows::keep(const RowKey& key, std::span<const float> row) {
  rows_.append(row);
  keys_.push_back(key);
}

void FeatureRows::add(const RowKey& key, std::vector<float> row) {
  for (size_t i = 0; normalized_ && i < row.size(); i += channels()) {
    normalize(std::span(row).subspan(i, channels()));
  }
  if (half_) check_range(row);
  keep(key, row);
}

void FeatureRows::add_file(const FeatureFiles& files, const Paths& paths,
                           const std::vector<RowKey>& keys) {
  const Array array = read_rows(files.output, files.storage, names_of(keys, files, paths));
  Shape wanted = rows_.row_shape();
  wanted.insert(wanted.begin(), static_cast<int64_t>(keys.size()));
  if (array.shape != wanted) {
    fail(
        "{}: is {}; expected {}, of this model and as many rows as there are names: --resume can't "
        "go on with it",
        files.output, to_string(array.shape), to_string(wanted));
  }
  check_lengths(array.data, channels(), normalized_, files.output);
  const int64_t size = elements(rows_.row_shape());
  for (size_t i = 0; i < keys.size(); ++i) {
    keep(keys[i], std::span(array.data).subspan(i * size, size));
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
        for (const RowKey& key : keys_) give(std::as_bytes(std::span(&key, 1)));
      },
      [&](Bytes piece) { keys_.push_back(*reinterpret_cast<const RowKey*>(piece.data())); });
}

void FeatureRows::write(const FeatureFiles& files, const Paths& paths) const {
  std::vector<size_t> order(keys_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return keys_[a] < keys_[b]; });
  std::vector<RowKey> keys;
  for (const size_t row : order) keys.push_back(keys_[row]);
  const std::vector<std::string> names = names_of(keys, files, paths);
  Replacement rows = prepare_rows(files.output, files.storage, rows_, order, names);
  if (files.names.empty()) return rows.take_place();
  Replacement list(files.names, [&](std::ostream& out) {
    for (const std::string& name : names) out << name_in_file(name, files) << end_of_name(files);
  });
  Replacement::take_places({&rows, &list});
}

}  // namespace fovea::cli
