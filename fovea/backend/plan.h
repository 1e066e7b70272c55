// Who merges with whom: plain host data that both backends read. Rows count over the whole batch.
#pragma once

#include <cstdint>
#include <vector>

namespace fovea {

// Where the sequences of a batch lie: image b owns rows [first[b], first[b + 1]). Images may differ
// in length.
using Sequences = std::vector<int32_t>;

// Which tokens draw edges (A) and which receive them (B), image by image.
struct Partition {
  std::vector<int32_t> a, b;              // rows, ascending within an image
  std::vector<int32_t> a_first, b_first;  // per image, and one past the last
  std::vector<int32_t> b_protected;  // per image: how many of its first B tokens must not receive
};

// For every A token of a partition its most similar B token.
struct Edges {
  std::vector<float> score;     // larger is more similar
  std::vector<int32_t> target;  // row of the B token
};

// Who may merge into whom in foveal merging: an A token into the B tokens of its image from a place
// of their own on. B tokens are in rising order of how much they matter.
struct Ranking {
  Partition pairs;
  std::vector<int32_t> allowed;  // per A token: the first place among the B tokens of its image
};

// The tokens of a batch that take the big path.
struct Route {
  Sequences first;            // where those of each image lie in `rows`
  std::vector<int32_t> rows;  // ascending
};

// A merge of a batch. A row that is no one's member is dropped.
struct Plan {
  Sequences first;                    // of the new rows
  std::vector<int32_t> target;        // [old rows]: new row, or -1
  std::vector<int32_t> member_begin;  // [new rows + 1], into members
  std::vector<int32_t> members;  // old rows of each new row, the one that keeps its place first
};

}  // namespace fovea
