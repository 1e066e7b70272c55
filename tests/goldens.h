// The golden cases: small models of every family with inputs, and the outputs of the PyTorch
// reference for them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "fovea/io/safetensors.h"
#include "fovea/model/testing.h"
#include "tests/compare.h"

namespace fovea {

// The options of one run of a golden's runs.json.
inline MergeOptions options_of(const nlohmann::json& run) {
  MergeOptions options;
  if (run.at("r").is_array()) {
    const auto r = run.at("r").get<std::vector<int>>();
    options.schedule.per_layer.assign(r.begin(), r.end());
  } else {
    options.schedule.r = run.at("r").get<int>();
  }
  options.schedule.inflect = run.value("inflect", 0.0);
  options.prop_attn = run.value("prop_attn", true);
  options.metric = parse_metric(run.value("metric", "k"));
  options.distance = parse_distance(run.value("distance", "cosine"));
  options.merge = parse_merge_mode(run.value("merge", "weighted"));
  return options;
}

inline Array read_array(const SafeTensors& file, const std::string& name) {
  const TensorView& tensor = file.tensors().at(name);
  return {tensor.shape, to_floats(tensor, file.file_name())};
}

inline std::vector<int32_t> read_ints(const SafeTensors& file, const std::string& name) {
  const std::span<const std::byte> bytes = file.tensors().at(name).bytes;
  std::vector<int32_t> values(bytes.size() / sizeof(int32_t));
  std::copy_n(bytes.begin(), bytes.size(), std::as_writable_bytes(std::span(values)).begin());
  return values;
}

inline void expect_close(const SafeTensors& want, const std::string& name, const Array& got) {
  const Array expected = read_array(want, name);
  ASSERT_EQ(got.shape, expected.shape) << name;
  EXPECT_LE(relative_error(got, expected), 2e-4) << name;
}

struct GoldenRun {
  std::string name;
  MergeOptions options;
};

inline std::vector<GoldenRun> golden_runs(const std::string& golden_name) {
  std::vector<GoldenRun> runs;
  const std::string text = read_text(golden(golden_name) / "runs.json");
  const nlohmann::json json = nlohmann::json::parse(text);
  for (const auto& [name, run] : json.items()) runs.push_back({name, options_of(run)});
  return runs;
}

// Exactly the routes of the file.
inline void expect_routes(const SafeTensors& want, const Result& got) {
  size_t count = 0;
  for (const auto& [name, tensor] : want.tensors()) {
    if (!name.starts_with("routes.")) continue;
    ++count;
    const auto route = got.routes.find(std::stoi(name.substr(7)));
    ASSERT_NE(route, got.routes.end()) << name;
    EXPECT_EQ(route->second.shape, tensor.shape) << name;
    EXPECT_EQ(route->second.data, read_ints(want, name)) << name;
  }
  EXPECT_EQ(got.routes.size(), count);
}

// The files of big.LITTLE models don't say it.
inline void expect_nothing_merged(const Result& got) {
  EXPECT_EQ(got.sizes.data, std::vector<float>(got.sizes.data.size(), 1.0F));
  for (size_t i = 0; i < got.source.data.size(); ++i) {
    EXPECT_EQ(got.source.data[i], static_cast<int32_t>(i) % got.source.shape[1]);
  }
}

// Expects what the reference gave for a run.
inline void expect_golden(const std::string& golden_name, const std::string& run,
                          const Result& got) {
  const SafeTensors want = SafeTensors::open(golden(golden_name) / (run + ".safetensors"));
  if (want.tensors().contains("logits")) {
    expect_close(want, "logits", got.logits);
  } else {
    EXPECT_EQ(got.logits.data, got.features.data);  // no classifier
  }
  expect_close(want, "features", got.features);
  expect_close(want, "tokens", got.tokens);
  expect_routes(want, got);
  if (!got.routes.empty()) return expect_nothing_merged(got);
  expect_close(want, "sizes", got.sizes);
  EXPECT_EQ(got.source.shape, want.tensors().at("source").shape);
  EXPECT_EQ(got.source.data, read_ints(want, "source"));
}

// Where a case has another input, made of a file, and the logits that it gives.
inline void expect_from_file(const std::string& golden_name, const Model& model) {
  const std::filesystem::path path = golden(golden_name) / "from-file.safetensors";
  if (!std::filesystem::exists(path)) return;
  const SafeTensors file = SafeTensors::open(path);
  expect_close(file, "logits", model.run(read_array(file, "input")).logits);
}

// For the names of parameterised tests.
inline std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace fovea
