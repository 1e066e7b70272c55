// big.LITTLE in Segment Anything's encoder: who is selected in windows and in layers over all, and
// the same on both backends, with tokens that merge and without.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "fovea/engine/workers.h"
#include "fovea/model/cost.h"
#include "fovea/model/testing.h"
#include "tests/compare.h"
#include "tests/train/torch_model.h"

namespace fovea {
namespace {

constexpr int kSide = 11;  // patches; windows of 4: 4 full ones, 4 of 4 x 3, one of 3 x 3

Architecture encoder(int little_every) {
  Architecture a;
  a.name = "blsam";
  a.width = 24;
  a.depth = 5;
  a.block.heads = 2;
  a.block.mlp_width = 40;
  a.patch = {4, 4};
  a.image_size = Grid(kSide, kSide) * a.patch;
  a.position_grid = a.decomposed = {kSide, kSide};
  a.position_rows = kSide * kSide;
  a.window = 4;
  a.over_all = {1, 4};
  a.neck = 8;
  a.pooling = Pooling::average;
  Routing routing;
  routing.first_big = 1;
  routing.little_every = little_every;
  routing.little_width = 8;
  routing.little_heads = 2;
  routing.little_mlp_width = 16;
  routing.predict_after = {1, 3};
  routing.keep_ratio = 0.25;
  a.routing = routing;
  return a;
}

// The cell that each selected token of a run without merging stands for.
std::vector<int> cells_of(const IntArray& route, int64_t image, const Sources& sources) {
  std::vector<int> cell_of(kSide * kSide);
  for (int cell = 0; cell < kSide * kSide; ++cell) cell_of[sources.of(image)[cell]] = cell;
  std::vector<int> cells;
  for (int64_t i = 0; i < route.shape[1]; ++i) {
    cells.push_back(cell_of[route.data[image * route.shape[1] + i]]);
  }
  return cells;
}

struct CpuRun {
  Engine engine{{.threads = 2}};
  std::shared_ptr<Cpu> cpu = engine.workers().lend();
  VariedWeights weights;
  Vit<Cpu> vit;

  explicit CpuRun(const Architecture& a) : vit(Vit<Cpu>::load(*cpu, weights, a)) {}
  Vit<Cpu>::Output forward(const Array& images, const Course& course) {
    return vit.forward(*cpu, input_of(images), course);
  }
};

TEST(SegmentRouting, EveryWindowSelectsAsManyAsAFullOneOrAllItHas) {
  const Architecture a = encoder(1);
  CpuRun run(a);
  const Array images = varied_images(2, kSide * 4);
  for (const double keep : {0.25, 0.7, 1.0}) {
    const auto out = run.forward(images, course_of(a, {}, keep));
    ASSERT_EQ(out.routes.size(), 2U);
    for (int64_t image = 0; image < 2; ++image) {
      const Windows windows({kSide, kSide}, 4);
      std::vector<int> selected(windows.count());
      for (const int cell : cells_of(out.routes[0], image, out.reduction.sources()))
        ++selected[windows.index_of(cell / kSide, cell % kSide)];
      for (int i = 0; i < windows.count(); ++i) {
        const int real = windows.at(i).rows * windows.at(i).columns;
        EXPECT_EQ(selected[i], std::min(real, static_cast<int>(keep * 16 + 0.5)))
            << keep << ' ' << i;
      }
    }
  }
}

// The trace tells what the positions are of: what left a layer over all lies otherwise than what
// the predictor behind it selects from, window by window.
TEST(SegmentRouting, PositionsAreOfWhatLeftThePredictorsLayer) {
  Architecture a = encoder(1);
  a.over_all = {0, 2, 4};
  CpuRun run(a);
  for (const char* schedule : {"0", "0,4,0,0,0"}) {
    MergeOptions merge;
    merge.schedule = parse_schedule(schedule);
    Course course = course_of(a, merge, 0.25);
    course.trace = true;
    const auto out = run.forward(varied_images(2, kSide * 4), course);
    for (size_t i = 0; i < out.routes.size(); ++i) {
      const Sources& sources = out.trace[a.routing->predict_after[i] - 1];
      const int64_t width = out.routes[i].shape[1];
      for (int64_t image = 0; image < 2; ++image) {
        const Windows windows({kSide, kSide}, 4);
        std::vector<std::set<int32_t>> selected(windows.count());
        for (int cell = 0; cell < kSide * kSide; ++cell) {
          const auto first = out.routes[i].data.begin() + image * width;
          const int32_t token = sources.of(image)[cell];
          if (std::find(first, first + width, token) == first + width) continue;
          selected[windows.index_of(cell / kSide, cell % kSide)].insert(token);
        }
        // Whoever merges does so in windows.
        const size_t each = i == 1 && !merge.schedule.per_layer.empty() ? 3 : 4;
        for (const auto& of_window : selected) EXPECT_EQ(of_window.size(), each) << schedule << i;
      }
    }
  }
}

// No layer over all at the end, which Segment Anything's own have.
TEST(SegmentRouting, TokensAreOfWholeImagesBehindALayerWithWindows) {
  Architecture a = encoder(1);
  a.over_all = {1};
  CpuRun run(a);
  const auto out = run.forward(varied_images(2, kSide * 4), course_of(a, {}));
  EXPECT_EQ(run.cpu->sequences(out.tokens), (Sequences{0, kSide * kSide, 2 * kSide * kSide}));
}

TEST(SegmentRouting, BothBackendsAnswerAlike) {
  for (const int little_every : {1, 2, 0}) {
    const Architecture a = encoder(little_every);
    CpuRun cpu(a);
    VariedWeights weights;
    TorchModel torch(a, weights);
    const Array images = varied_images(2, kSide * 4);
    for (const char* schedule : {"0", "1", "0,0,3,0,2"}) {
      SCOPED_TRACE(std::to_string(little_every) + ", r " + schedule);
      MergeOptions merge;
      merge.schedule = parse_schedule(schedule);
      const auto want = cpu.forward(images, course_of(a, merge));
      const torch::NoGradGuard no_grad;
      const auto got = torch.forward(images, merge);
      EXPECT_LE(relative_error(torch.torch.read(got.embedding), cpu.cpu->read(want.embedding)),
                1e-5);
      ASSERT_EQ(got.routes.size(), want.routes.size());
      for (size_t i = 0; i < got.routes.size(); ++i)
        EXPECT_EQ(got.routes[i].data, want.routes[i].data);
      for (int64_t image = 0; image < 2; ++image)
        EXPECT_EQ(got.reduction.sources().of(image), want.reduction.sources().of(image));
    }
  }
}

TEST(SegmentRouting, CountsFollowTheSelection) {
  const Architecture a = encoder(1);
  const Grid size = a.image_size;
  const double quarter = cost(a, size, {}, 0.25).gflops;
  const double half = cost(a, size, {}, 0.5).gflops;
  const double all = cost(a, size, {}, 1).gflops;
  EXPECT_LT(quarter, half);
  EXPECT_LT(half, all);
  Architecture plain = a;
  plain.routing.reset();
  EXPECT_LT(quarter, cost(plain, size).gflops);
}

}  // namespace
}  // namespace fovea
