// The torch backend against the goldens and against the CPU backend, through whole models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/backend/torch/device.h"
#include "fovea/io/testing.h"
#include "tests/goldens.h"
#include "tests/media.h"
#include "tests/train/torch_model.h"

namespace fovea {
namespace {

void expect_equal(const Result& got, const Result& want) {
  for (const auto& [name, part] : {std::pair("logits", &Result::logits),
                                   {"features", &Result::features},
                                   {"tokens", &Result::tokens},
                                   {"sizes", &Result::sizes}}) {
    ASSERT_EQ((got.*part).shape, (want.*part).shape) << name;
    EXPECT_LE(relative_error(got.*part, want.*part), 1e-5) << name;
  }
  EXPECT_EQ(got.source.data, want.source.data);
}

class TorchGoldens : public testing::TestWithParam<std::string> {};

TEST_P(TorchGoldens, AllRunsAreThoseOfTheReferenceAndOfTheCpuBackend) {
  const Array input = read_npy(golden(GetParam()) / "input.npy");
  const Model cpu = Model::load(golden(GetParam()), {.threads = 1});
  TorchModel model = TorchModel::load(golden(GetParam()));
  for (const GoldenRun& run : golden_runs(GetParam())) {
    SCOPED_TRACE(run.name);
    const Result got = model.run(input, run.options);
    expect_golden(GetParam(), run.name, got);
    expect_equal(got, cpu.run(input, {.merge = run.options}));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, TorchGoldens, testing::ValuesIn(golden_names()), test_name);
INSTANTIATE_TEST_SUITE_P(Videos, TorchGoldens, testing::ValuesIn(golden_names("goldens-video")),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Sound, TorchGoldens, testing::ValuesIn(golden_names("goldens-audio")),
                         test_name);

class TorchStems : public testing::TestWithParam<Architecture> {};

TEST_P(TorchStems, AreThoseOfTheCpuBackend) {
  const TemporaryFolder folder;
  save_varied_model(folder.path(), GetParam());
  const Array images = varied_images(3, 16);
  const Model cpu = Model::load(folder.path(), {.threads = 1});
  TorchModel model = TorchModel::load(folder.path());
  for (const int r : {0, 1}) {
    const MergeOptions options{.schedule = {.r = r}};
    expect_equal(model.run(images, options), cpu.run(images, {.merge = options}));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, TorchStems, testing::ValuesIn(stem_architectures()),
                         [](const auto& info) { return info.param.name; });

TEST(TorchBackend, RunsVideosAndSoundAsTheCpuBackendDoes) {
  for (const Architecture& a : {overlapping_audio_mae(), classless_mae_st()}) {
    const TemporaryFolder folder;
    save_varied_model(folder.path(), a);
    const Array inputs = varied(input_shape(a, 2, a.image_size));
    const Model cpu = Model::load(folder.path(), {.threads = 1});
    TorchModel model = TorchModel::load(folder.path());
    for (const int r : {0, 2}) {
      SCOPED_TRACE(a.name + ", r " + std::to_string(r));
      const MergeOptions options{.schedule = {.r = r}};
      expect_equal(model.run(inputs, options), cpu.run(inputs, {.merge = options}));
    }
  }
}

// Planes [1, C, h, w] as rows [h w, C].
Array rows_of_planes(const Array& planes) {
  const int64_t channels = planes.shape[1];
  const int64_t cells = planes.shape[2] * planes.shape[3];
  Array rows({cells, channels});
  for (int64_t i = 0; i < cells; ++i) {
    for (int64_t c = 0; c < channels; ++c) rows.data[i * channels + c] = planes.data[c * cells + i];
  }
  return rows;
}

TEST(TorchBackend, EncodesAndMergesForSegmentationAsTheCpuBackendDoes) {
  for (const char* name : {"sam", "sam-padded-window"}) {
    const std::filesystem::path path = test_data() / "goldens-sam" / name;
    const Model cpu = Model::load(path, {.threads = 1});
    TorchModel model = TorchModel::load(path);
    const Array image = varied_images(1, int64_t{cpu.architecture().position_grid.rows} * 16);
    for (const char* schedule : {"0", "1", "2", "25%"}) {
      for (const int every : {0, 1}) {
        SCOPED_TRACE(std::string(name) + ", r " + schedule);
        MergeOptions merge;
        merge.schedule = parse_schedule(schedule);
        merge.unmerge_every = every;
        const Result got = model.run(image, merge);
        const Result want = cpu.run(image, {.merge = merge});
        expect_equal(got, want);
        EXPECT_LE(relative_error(got.embedding, rows_of_planes(want.embedding)), 1e-5);
      }
    }
  }
}

struct Way {
  std::string name;
  MergeOptions options;
};

// Ways to merge that no golden has.
std::vector<Way> ways() {
  std::vector<Way> ways;
  const auto add = [&](const std::string& name, auto change) {
    MergeOptions options{.schedule = {.r = 3}};
    change(options);
    ways.push_back({name, options});
  };
  add("greedy", [](MergeOptions& o) { o.matching = Matching::greedy; });
  add("kmeans", [](MergeOptions& o) { o.matching = Matching::kmeans; });
  add("random_prune", [](MergeOptions& o) { o.matching = Matching::random_prune; });
  add("attention_prune", [](MergeOptions& o) { o.matching = Matching::attention_prune; });
  add("kth", [](MergeOptions& o) { o.matching = Matching::kth; });
  add("random_bipartite", [](MergeOptions& o) { o.matching = Matching::random_bipartite; });
  add("sequential", [](MergeOptions& o) { o.partition = Partitioning::sequential; });
  add("random", [](MergeOptions& o) { o.partition = Partitioning::random; });
  add("before_attention", [](MergeOptions& o) { o.placement = Placement::before_attention; });
  add("after_mlp", [](MergeOptions& o) { o.placement = Placement::after_mlp; });
  for (const Distance distance : {Distance::dot, Distance::euclidean, Distance::softmax}) {
    add("distance" + std::to_string(static_cast<int>(distance)),
        [&](MergeOptions& o) { o.distance = distance; });
  }
  for (const MergeMode mode : {MergeMode::mean, MergeMode::amax, MergeMode::keep}) {
    add("merge" + std::to_string(static_cast<int>(mode)), [&](MergeOptions& o) { o.merge = mode; });
  }
  return ways;
}

TEST(TorchBackend, MergesInEveryWayAsTheCpuBackendDoes) {
  for (const char* name : {"vit", "parallel", "blvit-every-layer", "blvit-every-second"}) {
    const Array input = read_npy(golden(name) / "input.npy");
    const Model cpu = Model::load(golden(name), {.threads = 1});
    TorchModel model = TorchModel::load(golden(name));
    for (const Way& way : ways()) {
      SCOPED_TRACE(name + (", " + way.name));
      expect_equal(model.run(input, way.options), cpu.run(input, {.merge = way.options}));
    }
  }
}

TEST(TorchBackend, MergesFoveallyAsTheCpuBackendDoes) {
  for (const char* name : {"vit", "vit-head64", "deit-distilled", "layerscale", "parallel"}) {
    const Array input = read_npy(golden(name) / "input.npy");
    const Model cpu = Model::load(golden(name), {.threads = 1});
    TorchModel model = TorchModel::load(golden(name));
    for (const FovealOptions& parts :
         {FovealOptions{}, FovealOptions{.rounds = 1}, FovealOptions{.channels = 8},
          FovealOptions{.pairing = Pairing::alternate}}) {
      SCOPED_TRACE(name);
      MergeOptions options;
      options.schedule.r = 3;
      options.method = Method::foveal;
      options.foveal = parts;
      expect_equal(model.run(input, options), cpu.run(input, {.merge = options}));
    }
  }
}

TEST(TorchBackend, GradientsPassThroughFovealMerging) {
  const Array input = read_npy(golden("vit") / "input.npy");
  TorchModel model = TorchModel::load(golden("vit"));
  MergeOptions options;
  options.schedule.r = 3;
  options.method = Method::foveal;
  const size_t parameters = model.torch.parameters().size();
  model.forward(input, options).logits.rows.sum().backward();
  EXPECT_EQ(model.torch.parameters().size(), parameters) << "readers are no parameters";
  for (const TorchParameter& parameter : model.torch.parameters()) {
    EXPECT_TRUE(parameter.values.grad().defined()) << parameter.name;
    EXPECT_TRUE(parameter.values.grad().isfinite().all().item<bool>()) << parameter.name;
  }
}

TEST(TorchBackend, ImagesMayKeepDifferentNumbersOfTokens) {
  const Array input = read_npy(golden("vit") / "input.npy");
  const Model cpu = Model::load(golden("vit"), {.threads = 1});
  TorchModel model = TorchModel::load(golden("vit"));
  const MergeOptions options{.schedule = {.r = kNoLimit}, .threshold = 0.7F};
  const Result want = cpu.run(input, {.merge = options});
  const torch::NoGradGuard no_grad;
  const auto got = model.forward(input, options);
  const Array logits = model.torch.read(got.logits);
  EXPECT_LE(relative_error(logits, want.logits), 1e-5);
  ASSERT_EQ(got.layer_tokens.data, want.layer_tokens.data);
  const int64_t depth = model.architecture.depth;
  EXPECT_NE(got.layer_tokens.data[depth - 1], got.layer_tokens.data[2 * depth - 1])
      << "the test needs images of different lengths";
}

TEST(TorchBackend, SaysWhichDevicesThereAre) {
  EXPECT_EQ(parse_device("cpu"), torch::Device(torch::kCPU));
  EXPECT_EQ(error_of([] { parse_device("gpu"); }),
            "device gpu: unknown; expected cpu, cuda or cuda:N");
  EXPECT_NE(error_of([] { parse_device("cuda:x"); }), "");
  EXPECT_NE(error_of([] { parse_device("cuda:4096"); }), "");
}

}  // namespace
}  // namespace fovea
