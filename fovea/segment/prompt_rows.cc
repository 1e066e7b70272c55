#include "fovea/segment/prompt_rows.h"

#include <utility>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

// Takes down one token after the other.
class Writer {
 public:
  Writer(const PositionCode& code, int masks, const Grid& input)
      : code_(code), masks_(masks), input_(input) {
    rows_.tokens.first = {0};
    rows_.codes.shape = {0, code.channels()};
  }

  void add(const Prompt& prompt) {
    for (int32_t row = 0; row <= masks_; ++row) add_row(row);
    for (size_t i = 0; i < prompt.points.size(); ++i) {
      const auto [x, y] = prompt.points[i];
      add_place(prompt.labels[i] == 0 ? EmbeddingRow::background : EmbeddingRow::foreground, x, y);
    }
    if (prompt.box) {
      const auto [x0, y0, x1, y1] = *prompt.box;
      add_place(EmbeddingRow::upper_left, x0, y0);
      add_place(EmbeddingRow::lower_right, x1, y1);
    } else if (!prompt.points.empty()) {
      add_row(row_of(EmbeddingRow::not_a_point));
    }
    rows_.tokens.first.push_back(static_cast<int32_t>(rows_.tokens.rows.size()));
  }

  PromptRows take() { return std::move(rows_); }

 private:
  int32_t row_of(EmbeddingRow row) const { return 1 + masks_ + static_cast<int32_t>(row); }

  // A token that lies nowhere.
  void add_row(int32_t row) {
    rows_.tokens.rows.push_back(row);
    ++rows_.codes.shape[0];
    rows_.codes.data.resize(rows_.codes.data.size() + code_.channels());
  }

  // Pixels are meant by their middles.
  void add_place(EmbeddingRow row, double x, double y) {
    add_row(row_of(row));
    code_.write((x + 0.5) / input_.columns, (y + 0.5) / input_.rows,
                rows_.codes.data.data() + rows_.codes.data.size() - code_.channels());
  }

  const PositionCode& code_;
  int masks_;
  Grid input_;
  PromptRows rows_;
};

}  // namespace

PromptRows prompt_rows(Prompts prompts, const PositionCode& code, int masks, const Grid& input) {
  Writer writer(code, masks, input);
  for (const Prompt* prompt : prompts) writer.add(*prompt);
  return writer.take();
}

std::vector<std::vector<size_t>> prompt_groups(std::span<const Prompt> prompts, size_t most) {
  std::vector<std::vector<size_t>> groups;
  for (const bool with_mask : {false, true}) {
    std::vector<size_t> group;
    for (size_t i = 0; i < prompts.size(); ++i) {
      if (prompts[i].mask.empty() == with_mask) continue;
      group.push_back(i);
      if (group.size() == most) groups.push_back(std::exchange(group, {}));
    }
    if (!group.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

Array joined_masks(Prompts prompts, const Grid& cells) {
  const Grid sides = cells * Grid(4, 4);
  const Shape expected = {1, sides.rows, sides.columns};
  Array all({static_cast<int64_t>(prompts.size()), 1, sides.rows, sides.columns}, {});
  for (const Prompt* prompt : prompts) {
    const Array& mask = prompt->mask;
    if (mask.shape != expected) {
      fail("prompt {}: its mask is {}; expected {}", printable(prompt->name), to_string(mask.shape),
           to_string(expected));
    }
    all.data.insert(all.data.end(), mask.data.begin(), mask.data.end());
  }
  return all;
}

}  // namespace fovea
