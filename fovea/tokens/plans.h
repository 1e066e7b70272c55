// What a merge does to rows: plans made of who leads whom, their members, and sizes after them.
#pragma once

#include <cstdint>
#include <vector>

#include "fovea/backend/plan.h"

namespace fovea {

// For every row the row that it becomes part of: itself where it stays, -1 where it is dropped.
// Who leads others stays itself.
using Leaders = std::vector<int32_t>;

// All rows, each its own leader.
Leaders own_leaders(const Sequences& sequences);

// Every row follows its leader; those that stay keep their order.
Plan plan_of(const Sequences& sequences, const Leaders& leaders);

// All A tokens merge into the B tokens that their edges lead to; all others stay, in order.
Plan merge_all(const Sequences& sequences, const Partition& partition, const Edges& edges);

// Two merges, one after the other, as one.
Plan compose(const Plan& first, const Plan& then);

// Fills in a plan's members from its targets: `keepers` are the old rows that stay, in the order of
// the new ones.
void list_members(Plan& plan, const std::vector<int32_t>& keepers);

// Sizes after a merge: the sums over each new token's members.
std::vector<float> merge_sizes(const std::vector<float>& sizes, const Plan& plan);

}  // namespace fovea
