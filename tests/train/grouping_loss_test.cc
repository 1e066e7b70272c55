// Whether the loss of the embedding alone says what it should.
#include "fovea/train/grouping_loss.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <vector>

namespace fovea {
namespace {

constexpr int kSide = 3;  // cells along a side
constexpr int kCells = kSide * kSide;
constexpr int kPixels = 4 * kSide;

// A mask of columns from..to - 1 of pixels.
SquareMask columns(int from, int to) {
  SquareMask mask(kPixels * kPixels);
  for (int i = 0; i < kPixels * kPixels; ++i) {
    mask[i] = i % kPixels >= from && i % kPixels < to ? 1 : 0;
  }
  return mask;
}

// How much of a cell the mask covers.
double cover(const SquareMask& mask, int cell) {
  double sum = 0;
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 4; ++x) {
      sum += mask[(cell / kSide * 4 + y) * kPixels + cell % kSide * 4 + x];
    }
  }
  return sum / 16;
}

// The same in plain loops.
double plain_loss(const torch::Tensor& embedding, const std::vector<SquareMask>& truths) {
  const auto alike = [&](int i, int j) {
    const torch::Tensor cosine =
        embedding[i].dot(embedding[j]) / (embedding[i].norm() * embedding[j].norm());
    return std::exp(10 * (cosine.item<double>() - 1));
  };
  double loss = 0;
  for (const SquareMask& truth : truths) {
    double sum = 0;
    double area = 0;
    for (int i = 0; i < kCells; ++i) {
      double inside = 0;
      double all = 0;
      for (int j = 0; j < kCells; ++j) {
        if (j == i) continue;
        inside += cover(truth, j) * alike(i, j);
        all += alike(i, j);
      }
      sum -= cover(truth, i) * std::log((inside + 1e-6) / (all + 1e-6));
      area += cover(truth, i);
    }
    loss += sum / area;
  }
  return loss / static_cast<double>(truths.size());
}

TEST(GroupingLoss, IsThatOfPlainLoops) {
  torch::manual_seed(3);
  const torch::Tensor embedding = torch::randn({kCells, 5});
  const std::vector<SquareMask> truths = {columns(0, 6), columns(3, 12)};
  EXPECT_NEAR(grouping_loss(embedding, truths).item<double>(), plain_loss(embedding, truths), 1e-4);
}

TEST(GroupingLoss, IsSmallWhereMasksLookAlikeInside) {
  torch::Tensor embedding = torch::zeros({kCells, 2});
  for (int cell = 0; cell < kCells; ++cell) embedding[cell][cell % kSide == 0 ? 0 : 1] = 1;
  const std::vector<SquareMask> right = {columns(0, 4), columns(4, 12)};
  const std::vector<SquareMask> wrong = {columns(0, 8)};
  EXPECT_LT(grouping_loss(embedding, right).item<double>(), 1e-4);
  // Each of the second column's cells has two others of it in the mask, three outside.
  EXPECT_NEAR(grouping_loss(embedding, wrong).item<double>(), std::log(2.5) / 2, 1e-3);
}

TEST(GroupingLoss, HasAGradientThatMakesItSmaller) {
  torch::manual_seed(4);
  torch::Tensor embedding = torch::randn({kCells, 5}).set_requires_grad(true);
  const std::vector<SquareMask> truths = {columns(0, 4), columns(4, 12)};
  const torch::Tensor loss = grouping_loss(embedding, truths);
  loss.backward();
  const torch::Tensor stepped = (embedding - 0.05 * embedding.grad()).detach();
  EXPECT_LT(grouping_loss(stepped, truths).item<double>(), loss.item<double>());
}

}  // namespace
}  // namespace fovea
