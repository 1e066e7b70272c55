#include "fovea/tokens/places.h"

#include "fovea/io/fail.h"

namespace fovea {

std::vector<Place> places_of(const Sequences& sequences, int prefix, const Grid& grid) {
  std::vector<Place> places(sequences.back());
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    const int32_t first = sequences[image] + prefix;
    const int32_t patches = sequences[image + 1] - first;
    if (patches != grid.size()) {
      fail("{} patches for a grid of {} x {} x {}", patches, grid.frames, grid.rows, grid.columns);
    }
    for (int32_t i = 0; i < patches; ++i) {
      places[first + i] = {static_cast<float>(i / grid.columns % grid.rows),
                           static_cast<float>(i % grid.columns)};
    }
  }
  return places;
}

std::vector<Place> merge_places(std::span<const Place> places, std::span<const float> sizes,
                                const Plan& plan, Carry carry) {
  std::vector<Place> merged(plan.first.back());
  for (size_t row = 0; row < merged.size(); ++row) {
    const std::span<const int32_t> members(plan.members.data() + plan.member_begin[row],
                                           plan.member_begin[row + 1] - plan.member_begin[row]);
    if (carry == Carry::first || members.size() == 1) {
      merged[row] = places[members[0]];
      continue;
    }
    float total = 0;
    for (const int32_t member : members) {
      total += sizes[member];
      merged[row].y += sizes[member] * places[member].y;
      merged[row].x += sizes[member] * places[member].x;
    }
    merged[row].y /= total;
    merged[row].x /= total;
  }
  return merged;
}

std::vector<int32_t> unmoved(std::span<const int32_t> earlier, const Plan& plan) {
  std::vector<int32_t> rows(plan.first.back(), -1);
  for (size_t row = 0; row < rows.size(); ++row) {
    const int32_t begin = plan.member_begin[row];
    if (plan.member_begin[row + 1] != begin + 1) continue;
    const int32_t member = plan.members[begin];
    rows[row] = earlier.empty() ? member : earlier[member];
  }
  return rows;
}

}  // namespace fovea
