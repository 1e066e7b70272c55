// Media files made by ffmpeg and sox in tests, where these programs are installed.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/subprocess.h"

namespace fovea {

inline Finished run_tool(const std::string& tool, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {tool};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return run_program("/usr/bin/env", words);
}

inline std::string missing_tool(const std::string& tool) {
  if (run_tool(tool, {tool == "sox" ? "--version" : "-version"}).status == 0) return "";
  return "skipped: the program " + tool + " is not installed";
}

inline std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

// Runs ffmpeg with those words, and OUTPUT behind them. False where it has no such encoder.
inline bool make_with_ffmpeg(const std::string& words, const std::filesystem::path& output) {
  std::vector<std::string> arguments = {"-v", "error", "-y"};
  for (const std::string& word : words_of(words)) arguments.push_back(word);
  arguments.push_back(output);
  const Finished done = run_tool("ffmpeg", arguments);
  if (done.err.find("Unknown encoder") != std::string::npos) return false;
  EXPECT_EQ(done.status, 0) << words << ": " << done.err;
  return true;
}

}  // namespace fovea
