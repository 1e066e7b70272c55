// The losses of masks against formulas written out, and their gradients.
#include "fovea/train/mask_loss.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace fovea {
namespace {

constexpr int kPixels = 12;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

std::vector<double> values_of(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.to(torch::kDouble).contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

double plain_focal(const std::vector<double>& logits, const std::vector<double>& truth) {
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double p = sigmoid(logits[i]);
    sum += truth[i] == 1 ? -0.25 * std::pow(1 - p, 2) * std::log(p)
                         : -0.75 * std::pow(p, 2) * std::log(1 - p);
  }
  return sum / static_cast<double>(logits.size());
}

double plain_dice(const std::vector<double>& logits, const std::vector<double>& truth) {
  double common = 0;
  double all = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    common += sigmoid(logits[i]) * truth[i];
    all += sigmoid(logits[i]) + truth[i];
  }
  return 1 - (2 * common + 1) / (all + 1);
}

double plain_iou(const std::vector<double>& logits, const std::vector<double>& truth) {
  int common = 0;
  int any = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    common += logits[i] > 0 && truth[i] == 1 ? 1 : 0;
    any += logits[i] > 0 || truth[i] == 1 ? 1 : 0;
  }
  return any == 0 ? 0 : static_cast<double>(common) / any;
}

class MaskLossTest : public testing::Test {
 protected:
  MaskLossTest() {
    torch::manual_seed(3);
    logits_ = torch::randn({2, 3, kPixels}, torch::kDouble) * 2;
    estimates_ = torch::rand({2, 3}, torch::kDouble);
    truth_ = torch::rand({2, kPixels}, torch::kDouble).gt(0.5).to(torch::kDouble);
  }
  torch::Tensor logits_, estimates_, truth_;
};

TEST_F(MaskLossTest, IsTheFormulas) {
  const torch::Tensor wanted = truth_.unsqueeze(1);
  const torch::Tensor losses = mask_loss(logits_, estimates_, truth_);
  for (int p = 0; p < 2; ++p) {
    const std::vector<double> truth = values_of(truth_[p]);
    double least = 1e9;
    double off = 0;
    for (int m = 0; m < 3; ++m) {
      const std::vector<double> logits = values_of(logits_[p][m]);
      const double focal = plain_focal(logits, truth);
      const double dice = plain_dice(logits, truth);
      const double iou = plain_iou(logits, truth);
      EXPECT_NEAR(focal_loss(logits_, wanted)[p][m].item<double>(), focal, 1e-12);
      EXPECT_NEAR(dice_loss(logits_, wanted)[p][m].item<double>(), dice, 1e-12);
      EXPECT_NEAR(mask_iou(logits_, wanted)[p][m].item<double>(), iou, 1e-12);
      least = std::min(least, 20 * focal + dice);
      off += std::pow(estimates_[p][m].item<double>() - iou, 2);
    }
    EXPECT_NEAR(losses[p].item<double>(), least + off / 3, 1e-5);
  }
}

TEST_F(MaskLossTest, StaysFiniteForLogitsOfAnySize) {
  const torch::Tensor logits = torch::full({1, 1, kPixels}, 500.0).set_requires_grad(true);
  const torch::Tensor loss = mask_loss(logits, torch::zeros({1, 1}), torch::zeros({1, kPixels}));
  loss.backward();
  EXPECT_NEAR(loss.item<double>(), 20 * 0.75 * 500 + 1 - 1.0 / (kPixels + 1), 1e-2);
  EXPECT_TRUE(logits.grad().isfinite().all().item<bool>());
  EXPECT_EQ(mask_iou(-logits, torch::zeros({1, kPixels})).item<double>(), 0);
}

TEST_F(MaskLossTest, ReachesTheBestMaskAlone) {
  torch::Tensor logits = logits_.to(torch::kFloat).set_requires_grad(true);
  mask_loss(logits, torch::zeros({2, 3}), truth_.to(torch::kFloat)).sum().backward();
  const torch::Tensor wanted = truth_.unsqueeze(1);
  const torch::Tensor best =
      (20 * focal_loss(logits_, wanted) + dice_loss(logits_, wanted)).argmin(1);
  for (int p = 0; p < 2; ++p) {
    for (int m = 0; m < 3; ++m) {
      const bool reached = logits.grad()[p][m].abs().sum().item<float>() > 0;
      EXPECT_EQ(reached, m == best[p].item<int64_t>()) << p << ", " << m;
    }
  }
}

TEST_F(MaskLossTest, HasTheGradientOfDifferences) {
  const torch::Tensor logits = logits_[0][0].clone().set_requires_grad(true);
  const auto loss = [&](const torch::Tensor& at) {
    return 20 * focal_loss(at, truth_[0]) + dice_loss(at, truth_[0]);
  };
  loss(logits).backward();
  constexpr double kStep = 1e-5;
  for (int i = 0; i < kPixels; ++i) {
    torch::Tensor step = torch::zeros({kPixels}, torch::kDouble);
    step[i] = kStep;
    const double slope =
        ((loss(logits.detach() + step) - loss(logits.detach() - step)) / (2 * kStep))
            .item<double>();
    EXPECT_NEAR(logits.grad()[i].item<double>(), slope, 1e-8);
  }
}

}  // namespace
}  // namespace fovea
