// The operations of the torch backend that token merging needs: features, matching, the merge.
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <cmath>
#include <limits>

#include "fovea/backend/torch/padding.h"
#include "fovea/backend/torch/torch.h"

namespace fovea {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// What is computed in its scope is not rounded to the format that automatic casting asks for.
using WithoutAutocast = c10::impl::ExcludeDispatchKeyGuard;

// Every A token's best score among the allowed B tokens, and its column.
struct Best {
  torch::Tensor score;   // [B, A]
  torch::Tensor column;  // [B, A]
};

// a: [B, A, F]; b: [B, N, F]; allowed, real: [B, 1, N], of b.
Best best_of(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& allowed,
             const torch::Tensor& real, Distance distance) {
  const bool euclidean = distance == Distance::euclidean;
  torch::Tensor scores = torch::bmm(a, b.transpose(1, 2));
  if (euclidean) scores = 2 * scores - b.square().sum(2).unsqueeze(1);
  const torch::Tensor open = scores.masked_fill(allowed.logical_not(), -kInfinity);
  const torch::Tensor column = open.argmax(2);  // the first of equals
  torch::Tensor score = open.gather(2, column.unsqueeze(2)).squeeze(2);
  if (euclidean) score = -(a.square().sum(2) - score).clamp_min(0).sqrt();
  if (distance == Distance::softmax) {
    score = (score - scores.masked_fill(real.logical_not(), -kInfinity).logsumexp(2)).exp();
  }
  return {score, column};
}

// Where each member of a plan goes: [members].
std::vector<int32_t> targets_of(const Plan& plan) {
  std::vector<int32_t> targets;
  for (const int32_t member : plan.members) targets.push_back(plan.target[member]);
  return targets;
}

// What each member adds to the mean that it goes into: [members].
std::vector<float> shares_of(const Plan& plan, std::span<const float> sizes, MergeMode mode) {
  std::vector<float> shares;
  for (size_t row = 0; row + 1 < plan.member_begin.size(); ++row) {
    const std::span<const int32_t> members(plan.members.data() + plan.member_begin[row],
                                           plan.member_begin[row + 1] - plan.member_begin[row]);
    float total = 0;
    for (const int32_t m : members) total += is_weighted(mode) ? sizes[m] : 1.0F;
    for (const int32_t m : members) {
      shares.push_back((is_weighted(mode) ? sizes[m] : 1.0F) / total);
    }
  }
  return shares;
}

torch::Tensor lengths_of(const torch::Tensor& rows) { return rows.norm(2, {1}, /*keepdim=*/true); }

// 1 for each new row that has one member, else 0.
std::vector<float> alone_in(const Plan& plan) {
  std::vector<float> alone;
  for (size_t row = 0; row + 1 < plan.member_begin.size(); ++row) {
    alone.push_back(plan.member_begin[row + 1] - plan.member_begin[row] == 1 ? 1.0F : 0.0F);
  }
  return alone;
}

}  // namespace

Torch::Tensor Torch::head_mean(std::span<const Projection> qkv, QkvPart part, int heads) {
  std::vector<torch::Tensor> means;
  for (const Projection& branch : qkv) {
    const torch::Tensor& rows = branch.part(part).rows;
    means.push_back(rows.reshape({rows.size(0), heads, -1}).mean(1));
  }
  return {torch::stack(means).mean(0), qkv[0].part(part).first};
}

Torch::Tensor Torch::head_concat(std::span<const Projection> qkv, QkvPart part) {
  std::vector<torch::Tensor> parts;
  for (const Projection& branch : qkv) parts.push_back(branch.part(part).rows);
  return {torch::cat(parts, 1), qkv[0].part(part).first};
}

Torch::Tensor Torch::mean(std::span<const Tensor> x) {
  std::vector<torch::Tensor> all;
  for (const Tensor& each : x) all.push_back(each.rows);
  return {torch::stack(all).mean(0), x[0].first};
}

Edges Torch::match(const Tensor& feature, const Partition& partition, Distance distance) {
  const torch::NoGradGuard no_grad;
  const WithoutAutocast exact(c10::autocast_dispatch_keyset);
  Edges edges{std::vector<float>(partition.a.size()), std::vector<int32_t>(partition.a.size())};
  const Padding a(partition.a_first, device_);
  const Padding b(partition.b_first, device_);
  if (a.longest() == 0 || b.longest() == 0) return edges;
  torch::Tensor rows = feature.rows.to(dtype_);
  if (distance == Distance::cosine) rows = rows / rows.norm(2, {1}, /*keepdim=*/true);
  const auto [score, column] =
      best_of(a.pad(rows.index_select(0, index_tensor(partition.a, device_))),
              b.pad(rows.index_select(0, index_tensor(partition.b, device_))),
              b.from(partition.b_protected).unsqueeze(1), b.within().unsqueeze(1), distance);
  const torch::Tensor scores = score.to(torch::kCPU, torch::kFloat);
  const torch::Tensor columns = column.to(torch::kCPU, torch::kInt32);
  for (int64_t image = 0; image < a.batch(); ++image) {
    const int32_t first = partition.a_first[image];
    const int32_t b_begin = partition.b_first[image];
    if (partition.b_protected[image] >= partition.b_first[image + 1] - b_begin) continue;
    for (int32_t i = first; i < partition.a_first[image + 1]; ++i) {
      edges.score[i] = scores.const_data_ptr<float>()[image * a.longest() + i - first];
      const int32_t to = columns.const_data_ptr<int32_t>()[image * a.longest() + i - first];
      edges.target[i] = partition.b[b_begin + to];
    }
  }
  return edges;
}

Edges Torch::match_ranked(const Tensor& feature, const Ranking& ranking,
                          std::span<const float> sizes, double exponent) {
  const torch::NoGradGuard no_grad;
  const WithoutAutocast exact(c10::autocast_dispatch_keyset);
  const Partition& pairs = ranking.pairs;
  Edges edges{std::vector<float>(pairs.a.size()), pairs.a};
  torch::Tensor rows = feature.rows.to(dtype_);
  rows = rows / rows.norm(2, {1}, /*keepdim=*/true);
  const torch::Tensor size = on_device(sizes);
  for (size_t image = 0; image + 1 < pairs.a_first.size(); ++image) {
    const auto slice = [&](const std::vector<int32_t>& all, const std::vector<int32_t>& first) {
      return index_tensor({all.begin() + first[image], all.begin() + first[image + 1]}, device_);
    };
    const int32_t begin = pairs.a_first[image];
    const torch::Tensor a = slice(pairs.a, pairs.a_first);
    const torch::Tensor b = slice(pairs.b, pairs.b_first);
    if (a.size(0) == 0 || b.size(0) == 0) continue;
    const torch::Tensor m = size.index_select(0, a).unsqueeze(1);
    const torch::Tensor n = size.index_select(0, b).unsqueeze(0);
    const torch::Tensor cosine =
        torch::matmul(rows.index_select(0, a), rows.index_select(0, b).transpose(0, 1));
    const torch::Tensor allowed = slice(ranking.allowed, pairs.a_first).unsqueeze(1);
    const torch::Tensor place = torch::arange(b.size(0), allowed.options()).unsqueeze(0);
    const torch::Tensor scores =
        ((cosine - 1) * (m * n / (m + n)).pow(exponent)).masked_fill(place < allowed, -kInfinity);
    const torch::Tensor column = scores.argmax(1);  // the first of equals
    const torch::Tensor best =
        scores.gather(1, column.unsqueeze(1)).to(torch::kCPU, torch::kFloat).contiguous();
    const torch::Tensor columns = column.to(torch::kCPU, torch::kInt32);
    for (int64_t i = 0; i < a.size(0); ++i) {
      edges.score[begin + i] = best.const_data_ptr<float>()[i];
      if (ranking.allowed[begin + i] >= b.size(0)) continue;
      edges.target[begin + i] =
          pairs.b[pairs.b_first[image] + columns.const_data_ptr<int32_t>()[i]];
    }
  }
  return edges;
}

Torch::Tensor Torch::merge(const Tensor& x, std::span<const float> sizes, const Plan& plan,
                           MergeMode mode) {
  const auto first = std::make_shared<const Sequences>(plan.first);
  if (mode == MergeMode::keep) {
    std::vector<int32_t> kept;
    for (size_t row = 0; row + 1 < plan.member_begin.size(); ++row) {
      kept.push_back(plan.members[plan.member_begin[row]]);
    }
    return {x.rows.index_select(0, index_tensor(kept, device_)), first};
  }
  const torch::Tensor members = x.rows.index_select(0, index_tensor(plan.members, device_));
  const torch::Tensor target = index_tensor(targets_of(plan), device_);
  const torch::Tensor none = torch::zeros({plan.first.back(), x.channels()}, x.rows.options());
  if (mode == MergeMode::amax) {
    const torch::Tensor each = target.unsqueeze(1).expand_as(members);
    return {none.scatter_reduce(0, each, members, "amax", /*include_self=*/false), first};
  }
  const torch::Tensor shares = on_device(shares_of(plan, sizes, mode)).unsqueeze(1);
  const torch::Tensor means = none.index_add(0, target, members * shares);
  if (mode != MergeMode::rescaled) return {means, first};
  const torch::Tensor lengths = torch::zeros({plan.first.back(), 1}, x.rows.options())
                                    .index_add(0, target, lengths_of(members) * shares);
  const torch::Tensor found = lengths_of(means);
  // A token alone is what it was to the bit; opposite members have a mean that none can stretch.
  const torch::Tensor stays = on_device(alone_in(plan)).unsqueeze(1).logical_or(found == 0);
  return {means * torch::where(stays, torch::ones_like(found), lengths / found), first};
}

}  // namespace fovea
