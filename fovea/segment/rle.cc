#include "fovea/segment/rle.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

void check_size(int height, int width) {
  const bool fits = height > 0 && width > 0 &&
                    int64_t{height} * width <= int64_t{std::numeric_limits<uint32_t>::max()};
  if (!fits) {
    fail("a mask of {} x {} pixels; expected at least one and at most {} in all", height, width,
         std::numeric_limits<uint32_t>::max());
  }
}

void check_sum(const Rle& rle) {
  uint64_t sum = 0;
  for (const uint32_t count : rle.counts) sum += count;
  if (sum != uint64_t{static_cast<uint32_t>(rle.height)} * static_cast<uint32_t>(rle.width)) {
    fail("run lengths of {} pixels for a mask of {} x {}; expected as many as it has", sum,
         rle.height, rle.width);
  }
}

// COCO's string holds numbers in groups of 5 bits, the lowest first; a bit on top says that more
// follow, and all is moved to where characters can be seen.
constexpr char kFirst = '0';
constexpr int kBits = 5;
constexpr int kMore = 1 << kBits;
constexpr int kSign = 1 << (kBits - 1);

void append_number(int64_t number, std::string& text) {
  for (bool more = true; more;) {
    auto group = static_cast<int>(number & (kMore - 1));
    number >>= kBits;
    more = (group & kSign) != 0 ? number != -1 : number != 0;
    if (more) group |= kMore;
    text += static_cast<char>(kFirst + group);
  }
}

// Takes a number off the front of a text.
int64_t take_number(std::string_view& text) {
  int64_t number = 0;
  for (int shift = 0;; shift += kBits) {
    constexpr int kMostBits = 40;  // of differences of 32 bits, and a sign
    if (text.empty() || shift >= kMostBits) {
      fail("a string of run lengths ends within a number, or has one that is too large");
    }
    const int group = text.front() - kFirst;
    if (group < 0 || group >= 2 * kMore) {
      fail("a string of run lengths has the character {}; expected 0 to o",
           printable(text.substr(0, 1)));
    }
    text.remove_prefix(1);
    number |= int64_t{group & (kMore - 1)} << shift;
    if ((group & kMore) != 0) continue;
    if ((group & kSign) != 0) number |= -(int64_t{1} << (shift + kBits));
    return number;
  }
}

// Goes through the runs of ones of a mask.
class Ones {
 public:
  explicit Ones(const Rle& rle) : counts_(rle.counts) {}
  // To the next run that is not empty; false behind the last.
  bool next() {
    for (; run_ + 1 < counts_.size(); run_ += 2) {
      begin_ = end_ + counts_[run_];
      end_ = begin_ + counts_[run_ + 1];
      if (begin_ == end_) continue;
      run_ += 2;
      return true;
    }
    return false;
  }
  // Places, column by column.
  uint64_t begin() const { return begin_; }
  uint64_t end() const { return end_; }

 private:
  std::span<const uint32_t> counts_;
  size_t run_ = 0;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
};

}  // namespace

RleBuilder::RleBuilder(int height, int width) : height_(height), width_(width) {
  check_size(height, width);
  above_.resize(width);
  row_.resize(width);
}

void RleBuilder::add_row(const uint8_t* row) {
  if (rows_ == height_) fail("a row more than the {} of a mask", height_);
  std::transform(row, row + width_, row_.begin(), [](uint8_t pixel) { return pixel != 0; });
  if (rows_ == 0) first_ = above_ = row_;
  // Most of a row is as the one above it.
  constexpr int kTogether = 64;
  for (int begin = 0; begin < width_; begin += kTogether) {
    const int end = std::min(begin + kTogether, width_);
    if (std::memcmp(&row_[begin], &above_[begin], end - begin) == 0) continue;
    for (int x = begin; x < end; ++x) {
      if (row_[x] != above_[x]) changes_.push_back(uint64_t{1} * x * height_ + rows_);
    }
  }
  row_.swap(above_);
  ++rows_;
}

Rle RleBuilder::finish() const {
  if (rows_ != height_) fail("{} of {} rows of a mask; expected all", rows_, height_);
  std::vector<uint64_t> changes = changes_;
  for (int x = 0; x < width_; ++x) {
    const uint8_t before = x == 0 ? 0 : above_[x - 1];
    if (first_[x] != before) changes.push_back(uint64_t{1} * x * height_);
  }
  std::sort(changes.begin(), changes.end());
  changes.push_back(uint64_t{1} * height_ * width_);
  Rle rle{height_, width_, {}};
  uint64_t begin = 0;
  for (const uint64_t end : changes) {
    rle.counts.push_back(static_cast<uint32_t>(end - begin));
    begin = end;
  }
  return rle;
}

Rle encode_rle(std::span<const uint8_t> mask, int height, int width) {
  RleBuilder builder(height, width);
  if (int64_t{height} * width != static_cast<int64_t>(mask.size())) {
    fail("{} values for a mask of {} x {}; expected as many as it has pixels", mask.size(), height,
         width);
  }
  for (int y = 0; y < height; ++y) builder.add_row(mask.data() + size_t{1} * y * width);
  return builder.finish();
}

std::vector<uint8_t> decode_rle(const Rle& rle) {
  check_sum(rle);
  std::vector<uint8_t> mask(size_t{1} * rle.height * rle.width);
  for_each_piece(rle, [&](int x, int top, int bottom) {
    for (int y = top; y < bottom; ++y) mask[size_t{1} * y * rle.width + x] = 1;
  });
  return mask;
}

void for_each_piece(const Rle& rle, const TakePiece& take) {
  const auto height = static_cast<uint64_t>(rle.height);
  for (Ones ones(rle); ones.next();) {
    for (uint64_t at = ones.begin(); at < ones.end();) {
      const uint64_t column = at / height;
      const uint64_t end = std::min(ones.end(), (column + 1) * height);
      take(static_cast<int>(column), static_cast<int>(at - column * height),
           static_cast<int>(end - column * height));
      at = end;
    }
  }
}

int64_t area_of(const Rle& rle) {
  int64_t area = 0;
  for (size_t run = 1; run < rle.counts.size(); run += 2) area += rle.counts[run];
  return area;
}

std::array<int, 4> box_of(const Rle& rle) {
  int left = rle.width;
  int top = rle.height;
  int right = -1;
  int bottom = -1;
  const auto height = static_cast<uint64_t>(rle.height);
  for (Ones ones(rle); ones.next();) {
    const auto first_column = static_cast<int>(ones.begin() / height);
    const auto last_column = static_cast<int>((ones.end() - 1) / height);
    const bool several = first_column != last_column;  // then it touches both ends of a column
    left = std::min(left, first_column);
    right = std::max(right, last_column);
    top = std::min(top, several ? 0 : static_cast<int>(ones.begin() % height));
    bottom =
        std::max(bottom, several ? rle.height - 1 : static_cast<int>((ones.end() - 1) % height));
  }
  if (right < 0) return {0, 0, 0, 0};
  return {left, top, right - left + 1, bottom - top + 1};
}

int64_t overlap(const Rle& a, const Rle& b) {
  if (a.height != b.height || a.width != b.width) {
    fail("masks of {} x {} and {} x {} pixels; expected the same size", a.height, a.width, b.height,
         b.width);
  }
  int64_t common = 0;
  Ones in_a(a);
  Ones in_b(b);
  for (bool more = in_a.next() && in_b.next(); more;) {
    const uint64_t begin = std::max(in_a.begin(), in_b.begin());
    const uint64_t end = std::min(in_a.end(), in_b.end());
    if (begin < end) common += static_cast<int64_t>(end - begin);
    more = in_a.end() < in_b.end() ? in_a.next() : in_b.next();
  }
  return common;
}

double intersection_over_union(const Rle& a, const Rle& b, bool crowd) {
  const auto common = static_cast<double>(overlap(a, b));
  const auto area_a = static_cast<double>(area_of(a));
  const double all = crowd ? area_a : area_a + static_cast<double>(area_of(b)) - common;
  return all > 0 ? common / all : 0;
}

std::string compressed_counts(const Rle& rle) {
  std::string text;
  for (size_t run = 0; run < rle.counts.size(); ++run) {
    // From the fourth on what is written is how much longer a run is than the last of its kind.
    const int64_t before = run > 2 ? rle.counts[run - 2] : 0;
    append_number(int64_t{rle.counts[run]} - before, text);
  }
  return text;
}

Rle rle_of_compressed(std::string_view text, int height, int width) {
  std::vector<uint32_t> counts;
  while (!text.empty()) {
    int64_t count = take_number(text);
    if (counts.size() > 2) count += counts[counts.size() - 2];
    if (count < 0 || count > int64_t{std::numeric_limits<uint32_t>::max()}) {
      fail("a string of run lengths has one of {}; expected none below 0 or above {}", count,
           std::numeric_limits<uint32_t>::max());
    }
    counts.push_back(static_cast<uint32_t>(count));
  }
  return rle_of_counts(std::move(counts), height, width);
}

Rle rle_of_counts(std::vector<uint32_t> counts, int height, int width) {
  check_size(height, width);
  Rle rle{height, width, std::move(counts)};
  check_sum(rle);
  return rle;
}

}  // namespace fovea
