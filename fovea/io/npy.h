// NumPy's .npy files: little-endian float arrays in C order.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "fovea/api.h"
#include "fovea/io/array.h"

namespace fovea {

// Reads versions 1 to 3, dtypes <f4, <f2, <f8 (to float), C order. Throws Error naming the file,
// what was found and what was expected (other dtypes, Fortran order, a length that does not fit the
// shape, overflow).
FOVEA_API Array read_npy(const std::filesystem::path& path);

// The same from memory, for tests and fuzzing; `name` stands in messages.
FOVEA_API Array parse_npy(std::span<const std::byte> bytes, const std::string& name);

// The dtype that a file states, such as <f4. Throws Error likewise where it is no npy file.
FOVEA_API std::string npy_dtype(const std::filesystem::path& path);

// What stands before the numbers of an array in C order: magic, version and dictionary, padded so
// that they begin at a multiple of 64 bytes.
std::string npy_header(const Shape& shape, const std::string& dtype = "<f4");

// Writes version 1.0, <f4, C order, atomically.
FOVEA_API void write_npy(const std::filesystem::path& path, const Array& array);

}  // namespace fovea
