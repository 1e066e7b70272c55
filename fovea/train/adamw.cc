#include "fovea/train/adamw.h"

#include <ATen/ops/_fused_adamw.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fovea {
namespace {

constexpr double kEpsilon = 1e-8;

// 0: the embedding; 1 ... depth: the blocks; depth + 1: what follows.
int place_of(const std::string& name, int depth) {
  const std::string blocks = "blocks.";
  if (name.starts_with(blocks)) return 1 + std::stoi(name.substr(blocks.size()));
  const bool embeds =
      name.starts_with("patch_embed.") || name.ends_with("_token") || name.ends_with("pos_embed");
  return embeds ? 0 : depth + 1;
}

// As timm: not of vectors, nor of what stands before or is added to patches.
bool decays(const TorchParameter& parameter) {
  return parameter.values.dim() > 1 && !parameter.name.ends_with("_token") &&
         !parameter.name.ends_with("pos_embed");
}

}  // namespace

double learning_rate(const Recipe& recipe, int64_t step, int64_t warmup, int64_t steps) {
  if (step < warmup) {
    return recipe.lr * static_cast<double>(step + 1) / static_cast<double>(warmup + 1);
  }
  const double part = static_cast<double>(step - warmup) /
                      static_cast<double>(std::max<int64_t>(steps - warmup, 1));
  const double least = std::min(recipe.min_lr, recipe.lr);
  return least + (recipe.lr - least) * (1 + std::cos(std::numbers::pi * std::min(part, 1.0))) / 2;
}

AdamW::AdamW(const std::vector<TorchParameter>& parameters, const Recipe& recipe, int depth)
    : betas_(recipe.betas) {
  for (const TorchParameter& parameter : parameters) {
    if (!parameter.values.requires_grad()) continue;
    const double scale = std::pow(recipe.layer_decay, depth + 1 - place_of(parameter.name, depth));
    const double decay = decays(parameter) ? recipe.weight_decay : 0;
    auto group = std::find_if(groups_.begin(), groups_.end(),
                              [&](const Group& g) { return g.scale == scale && g.decay == decay; });
    if (group == groups_.end()) group = groups_.insert(groups_.end(), {scale, decay});
    group->members.push_back(trained_.size());
    names_.push_back(parameter.name);
    trained_.push_back(parameter.values);
    const torch::Tensor values = parameter.values.detach();
    first_.push_back(torch::zeros_like(values));
    second_.push_back(torch::zeros_like(values));
    counts_.push_back(torch::zeros({}, values.options()));
  }
}

void AdamW::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  for (const Group& group : groups_) {
    std::vector<torch::Tensor> values, gradients, first, second, counts;
    for (const size_t i : group.members) {
      if (!trained_[i].grad().defined()) continue;
      values.push_back(trained_[i]);
      gradients.push_back(trained_[i].grad());
      first.push_back(first_[i]);
      second.push_back(second_[i]);
      counts_[i] += 1;
      counts.push_back(counts_[i]);
    }
    if (values.empty()) continue;
    at::_fused_adamw_(values, gradients, first, second, {}, counts, learning_rate * group.scale,
                      betas_[0], betas_[1], group.decay, kEpsilon, /*amsgrad=*/false,
                      /*maximize=*/false);
  }
  for (torch::Tensor& values : trained_) values.mutable_grad() = torch::Tensor();
  ++steps_;
}

void AdamW::clip(double most) {
  if (most > 0) torch::nn::utils::clip_grad_norm_(trained_, most);
}

void AdamW::set_steps(int64_t steps) {
  steps_ = steps;
  for (torch::Tensor& count : counts_) count.fill_(static_cast<double>(steps));
}

std::vector<TorchParameter> AdamW::state() const {
  std::vector<TorchParameter> state;
  for (size_t i = 0; i < names_.size(); ++i) {
    state.push_back({"adamw.first." + names_[i], first_[i]});
    state.push_back({"adamw.second." + names_[i], second_[i]});
  }
  return state;
}

}  // namespace fovea
