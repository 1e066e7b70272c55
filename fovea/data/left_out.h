// What lies in folders and zips without being data, and how it is told.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace fovea {

// Whether a file or folder of that name is no data, nor anything in it: hidden (".DS_Store",
// "._a.jpg",
// ".ipynb_checkpoints"), or put beside pictures by a system ("__MACOSX", "@eaDir").
bool is_hidden(std::string_view name);

// Whether a part of a path is hidden: "a/.b/c.jpg".
bool lies_hidden(std::string_view path);

// Files that were passed over, by kind.
struct LeftOut {
  std::map<std::string, int64_t> files;  // by their ending, with its dot, in small letters; or ""
  int64_t hidden = 0;                    // files and folders
  int64_t unlabelled = 0;                // files that a file of labels does not name

  void add_file(std::string_view name);
  void add(const LeftOut& more);
};

// "12 files of other kinds: 7 .bmp, 5 .txt; 2 hidden; 1 without a label", the most frequent kind
// first; "" where nothing was left out.
std::string to_string(const LeftOut& left_out);

}  // namespace fovea
