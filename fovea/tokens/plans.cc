#include "fovea/tokens/plans.h"

#include <cstddef>
#include <numeric>

namespace fovea {

Leaders own_leaders(const Sequences& sequences) {
  Leaders leaders(sequences.back());
  std::iota(leaders.begin(), leaders.end(), 0);
  return leaders;
}

Plan plan_of(const Sequences& sequences, const Leaders& leaders) {
  Plan plan;
  plan.first.push_back(0);
  plan.target.resize(leaders.size());
  std::vector<int32_t> keepers;
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    for (int32_t row = sequences[image]; row < sequences[image + 1]; ++row) {
      if (leaders[row] != row) continue;
      plan.target[row] = static_cast<int32_t>(keepers.size());
      keepers.push_back(row);
    }
    plan.first.push_back(static_cast<int32_t>(keepers.size()));
  }
  for (size_t row = 0; row < leaders.size(); ++row) {
    plan.target[row] = leaders[row] < 0 ? -1 : plan.target[leaders[row]];
  }
  list_members(plan, keepers);
  return plan;
}

Plan merge_all(const Sequences& sequences, const Partition& partition, const Edges& edges) {
  Leaders leaders = own_leaders(sequences);
  for (size_t i = 0; i < partition.a.size(); ++i) leaders[partition.a[i]] = edges.target[i];
  return plan_of(sequences, leaders);
}

Plan compose(const Plan& first, const Plan& then) {
  Plan plan;
  plan.first = then.first;
  for (const int32_t row : first.target) plan.target.push_back(row < 0 ? -1 : then.target[row]);
  std::vector<int32_t> keepers;
  for (size_t row = 0; row + 1 < then.member_begin.size(); ++row) {
    const int32_t between = then.members[then.member_begin[row]];
    keepers.push_back(first.members[first.member_begin[between]]);
  }
  list_members(plan, keepers);
  return plan;
}

void list_members(Plan& plan, const std::vector<int32_t>& keepers) {
  const size_t new_rows = keepers.size();
  plan.member_begin.assign(new_rows + 1, 0);
  for (const int32_t row : plan.target) {
    if (row >= 0) ++plan.member_begin[row + 1];
  }
  std::partial_sum(plan.member_begin.begin(), plan.member_begin.end(), plan.member_begin.begin());
  plan.members.resize(plan.member_begin.back());
  std::vector<int32_t> next(plan.member_begin.begin(), plan.member_begin.end() - 1);
  for (size_t i = 0; i < new_rows; ++i) plan.members[next[i]++] = keepers[i];
  for (size_t i = 0; i < plan.target.size(); ++i) {
    const int32_t row = plan.target[i];
    if (row >= 0 && keepers[row] != static_cast<int32_t>(i))
      plan.members[next[row]++] = static_cast<int32_t>(i);
  }
}

std::vector<float> merge_sizes(const std::vector<float>& sizes, const Plan& plan) {
  std::vector<float> merged(plan.member_begin.size() - 1);
  for (size_t i = 0; i < merged.size(); ++i) {
    for (int32_t m = plan.member_begin[i]; m < plan.member_begin[i + 1]; ++m)
      merged[i] += sizes[plan.members[m]];
  }
  return merged;
}

}  // namespace fovea
