// Labels that stand in a file of their own, beside pictures that lie in no class folders.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace fovea {

struct LabelFile {
  struct Line {
    std::string picture;      // relative to the folder of the pictures
    std::vector<int> labels;  // into `labels` below, at least one
    size_t number;            // of the line in the file, from 1
  };
  std::vector<Line> lines;
  std::vector<std::string> labels;  // that occur, sorted
};

// Reads CSV lines PATH,LABEL or PATH,LABEL|LABEL|...; a first line "path,label" is a heading.
// Throws Error naming the line that is none of these, or the picture that has two.
LabelFile read_label_file(const std::filesystem::path& path);
// The same of its text; `name` stands in messages.
LabelFile parse_label_file(const std::string& text, const std::string& name);

}  // namespace fovea
