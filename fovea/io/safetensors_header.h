// The JSON header of a safetensors file, read without trust and without recursion.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "fovea/io/array.h"

namespace fovea {

// What the header says of one tensor; only its form is checked, not yet what the numbers mean.
struct HeaderEntry {
  std::string dtype;
  Shape shape;
  int64_t begin = 0;  // data_offsets, in bytes after the header
  int64_t end = 0;
};

struct SafeTensorsHeader {
  std::map<std::string, HeaderEntry> tensors;
  std::map<std::string, std::string> metadata;
};

// Throws Error, naming `file` and the tensor, for anything that is not the format's JSON: wrong
// types, keys that are missing, unknown or there twice, numbers that are negative, fractional or
// too large.
SafeTensorsHeader parse_safetensors_header(std::string_view json, const std::string& file);

}  // namespace fovea
