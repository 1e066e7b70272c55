// The files that rows of features are written to and read back from: .npy, .csv or .safetensors.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "fovea/io/array.h"
#include "fovea/io/replacement.h"
#include "fovea/io/row_file.h"

namespace fovea::cli {

enum class RowFormat { npy, csv, safetensors };

// By the ending of the name; what is there without being a regular file (a pipe) gets .npy. Throws
// Error for other endings.
RowFormat row_format_of(const std::filesystem::path& path);

// How rows are stored.
struct RowStorage {
  RowFormat format = RowFormat::npy;
  bool half = false;  // as f16; not with csv
};

// The rows of these numbers, in that order, as one array [rows, row...] with a name for each (which
// .npy has no place for), ready to take its place.
Replacement prepare_rows(const std::filesystem::path& path, const RowStorage& storage,
                         const RowFile& rows, std::span<const size_t> order,
                         const std::vector<std::string>& names);

// Reads such a file. Throws Error where it is stored in another way, or where the names in it are
// not these.
Array read_rows(const std::filesystem::path& path, const RowStorage& storage,
                const std::vector<std::string>& names);

// Throws Error where so many names have no place in such a file.
void check_names_fit(const std::filesystem::path& path, RowFormat format,
                     const std::vector<std::string>& names);

}  // namespace fovea::cli
