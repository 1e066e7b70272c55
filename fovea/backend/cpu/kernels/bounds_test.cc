// Kernels touch nothing behind what they are given: another thread may be writing there, or nothing
// may be there at all.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "fovea/backend/cpu/arena.h"
#include "fovea/backend/cpu/kernels/kernels.h"

namespace fovea::kernels {
namespace {

// Floats that end where memory does.
class AtTheEnd {
 public:
  explicit AtTheEnd(const std::vector<float>& values)
      : page_(static_cast<size_t>(::sysconf(_SC_PAGESIZE))),
        pages_((values.size() * sizeof(float) + page_ - 1) / page_) {
    void* const memory = ::mmap(nullptr, (pages_ + 1) * page_, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(memory, MAP_FAILED);
    start_ = static_cast<char*>(memory);
    EXPECT_EQ(::mprotect(start_ + pages_ * page_, page_, PROT_NONE), 0);
    floats_ = reinterpret_cast<float*>(start_ + pages_ * page_) - values.size();
    std::copy(values.begin(), values.end(), floats_);
  }
  ~AtTheEnd() { ::munmap(start_, (pages_ + 1) * page_); }
  AtTheEnd(const AtTheEnd&) = delete;
  AtTheEnd& operator=(const AtTheEnd&) = delete;

  float* data() const { return floats_; }

 private:
  size_t page_, pages_;
  char* start_;
  float* floats_;
};

class BoundsTest : public testing::TestWithParam<InstructionSet> {
 protected:
  const Table t = table(GetParam());
  const Product& f32 = t.product(Dtype::f32);
};

TEST_P(BoundsTest, GemmTouchesNothingBehindItsColumns) {
  for (int64_t n = 1; n < 20; ++n) {
    const int64_t k = 5;
    const std::vector<float> w(n * k, 2);
    const std::shared_ptr<float[]> panels = allocate_floats(f32.packed_bytes(n, k) / 4 + 1);
    f32.pack_panels(w.data(), k, n, k, 0, panel_count(t, n), panels.get());
    const AtTheEnd a(std::vector<float>(k, 3));
    const AtTheEnd bias(std::vector<float>(n, 1));
    const AtTheEnd scale(std::vector<float>(n, 0.5F));
    const AtTheEnd c(std::vector<float>(n, 10));
    Gemm g;
    g.a = a.data();
    g.a_stride = k;
    g.b = panels.get();
    g.c = c.data();
    g.c_stride = n;
    g.m = 1;
    g.n = n;
    g.k = k;
    g.bias = bias.data();
    g.scale = scale.data();
    g.epilogue = Epilogue::residual;
    f32.gemm(g, 0, 1, 0, panel_count(t, n));
    for (int64_t j = 0; j < n; ++j) EXPECT_EQ(c.data()[j], 10 + 0.5F * 31) << j << " of " << n;
  }
}

TEST_P(BoundsTest, RowsTouchNothingBehindTheirChannels) {
  for (int64_t width = 1; width < 20; ++width) {
    std::vector<float> values(width);
    for (int64_t i = 0; i < width; ++i) values[i] = static_cast<float>(i % 2);
    const AtTheEnd x(values);
    const AtTheEnd gamma(std::vector<float>(width, 1));
    const AtTheEnd beta(std::vector<float>(width, 5));
    const AtTheEnd out(std::vector<float>(width, 0));
    t.layer_norm(x.data(), width, 1, width, gamma.data(), beta.data(), 1e-6F, out.data(), width);
    EXPECT_LE(*std::max_element(out.data(), out.data() + width), 5 + 5) << width;
    EXPECT_GE(*std::min_element(out.data(), out.data() + width), 5 - 5) << width;
    const float* rows[] = {x.data(), gamma.data()};
    const float factors[] = {2, 1};
    t.weighted_sum(rows, factors, 2, width, 1, out.data());
    for (int64_t i = 0; i < width; ++i) EXPECT_EQ(out.data()[i], 2 * values[i] + 1);
    t.maximum(rows, 2, width, out.data());
    for (int64_t i = 0; i < width; ++i) EXPECT_EQ(out.data()[i], 1);
    t.normalize(out.data(), 1, width);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, BoundsTest, testing::ValuesIn(available_levels()),
                         [](const auto& info) { return to_string(info.param); });

}  // namespace
}  // namespace fovea::kernels
