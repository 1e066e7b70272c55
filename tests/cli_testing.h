// What the tests of the whole program share: running it, and models and pictures made for a case.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fovea/io/safetensors.h"
#include "fovea/io/testing.h"
#include "tests/paths.h"
#include "tests/subprocess.h"

namespace fovea {

inline const std::filesystem::path kGoldens = test_data() / "goldens";
inline const std::filesystem::path kPictures = test_data() / "goldens-preprocess";

inline std::string golden_path(const std::string& name) { return (kGoldens / name).string(); }
inline std::string picture(const std::string& name) { return (kPictures / name).string(); }

inline Finished run_fovea(const std::vector<std::string>& arguments, const Streams& streams = {}) {
  return run_program(fovea_program(), arguments, streams);
}

// Ends it by Ctrl-C as soon as it has begun its work.
inline Finished interrupt_fovea(const std::vector<std::string>& arguments) {
  return run_program(fovea_program(), arguments, {}, interrupt_when_it_listens);
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

inline std::vector<nlohmann::json> json_lines_of(const std::string& text) {
  std::vector<nlohmann::json> values;
  for (const std::string& line : lines_of(text)) values.push_back(nlohmann::json::parse(line));
  return values;
}

// The program did its work and had nothing to remark.
inline void expect_done(const Finished& finished) {
  EXPECT_EQ(finished.status, 0);
  EXPECT_EQ(finished.err, "");
}

// The program refused with status 2, no result, and one line that holds `fragment`.
inline void expect_refused(const Finished& finished, const std::string& fragment) {
  EXPECT_EQ(finished.status, 2);
  EXPECT_EQ(finished.out, "");
  EXPECT_THAT(finished.err, testing::StartsWith("fovea: "));
  EXPECT_THAT(finished.err, testing::HasSubstr(fragment));
  EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
}

// Writes `to`, a model folder, as the golden `vit` with other tensors.
inline void write_changed_model(const std::filesystem::path& to,
                                const std::function<void(std::vector<TensorToWrite>&)>& change) {
  const SafeTensors file = SafeTensors::open(kGoldens / "vit" / "model.safetensors");
  std::vector<TensorToWrite> tensors;
  for (const auto& [name, tensor] : file.tensors()) {
    tensors.push_back({name, tensor.dtype, tensor.shape, tensor.bytes});
  }
  change(tensors);
  std::filesystem::create_directory(to);
  write_safetensors(to / "model.safetensors", tensors);
  std::filesystem::copy_file(kGoldens / "vit" / "config.json", to / "config.json");
}

// The same without the tensors whose names start with `prefix`.
inline void write_model_without(const std::filesystem::path& to, const std::string& prefix) {
  write_changed_model(to, [&](std::vector<TensorToWrite>& tensors) {
    std::erase_if(tensors, [&](const TensorToWrite& t) { return t.name.starts_with(prefix); });
  });
}

}  // namespace fovea
