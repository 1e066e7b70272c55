#include "fovea/backend/shapes/shapes.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "fovea/backend/backend.h"

namespace fovea {
namespace {

static_assert(Backend<Shapes> && !MatchingBackend<Shapes>);

using Extents = std::pair<int64_t, int64_t>;

Extents of(const ShapesTensor& x) { return {x.tokens, x.width}; }

Weight weight(Shape shape) { return {Array(std::move(shape), {})}; }

TEST(Shapes, CutsAndFoldsPatches) {
  const Input images = {nullptr, 1, 3, {32, 48}};
  EXPECT_EQ(of(Shapes::patches(images, {16, 16}, {16, 16}, {})), Extents(6, 768));
  const std::vector<int> splits = {2, 2};
  const ShapesTensor pieces = Shapes::patches(images, {16, 16}, {16, 16}, splits);
  EXPECT_EQ(of(pieces), Extents(96, 48));
  EXPECT_EQ(of(Shapes::fold(pieces, 4)), Extents(24, 192));
  const Input sound = {nullptr, 1, 1, {128, 1024}};
  EXPECT_EQ(of(Shapes::patches(sound, {16, 16}, {10, 10}, {})), Extents(1212, 256));
}

TEST(Shapes, PutsPrefixTokensBeforePatches) {
  const std::vector<ShapesTensor> prefix = {Shapes::make_rows(weight({1, 1, 8})),
                                            Shapes::make_rows(weight({1, 4, 8}))};
  EXPECT_EQ(of(Shapes::embed({6, 8}, Shapes::positions(prefix, {}, {}))), Extents(11, 8));
}

TEST(Shapes, CountsProducts) {
  Shapes b;
  const ShapesTensor x = {5, 8};
  EXPECT_EQ(of(b.linear(x, Shapes::make_linear(weight({12, 8}), {}))), Extents(5, 12));
  EXPECT_EQ(b.multiply_adds(), 5 * 8 * 12);
  // Gates and values.
  EXPECT_EQ(of(b.norm_linear(x, {}, Shapes::make_gated_linear(weight({12, 8}), {}))),
            Extents(5, 6));
  EXPECT_EQ(b.multiply_adds(), 2 * 5 * 8 * 12);
}

TEST(Shapes, CountsConvolutions) {
  Shapes b;
  const ShapesLinear w = Shapes::make_convolution(weight({6, 4, 3, 3}), {}, {}, {});
  EXPECT_EQ(of(b.convolve({32, 4}, w, {4, 8}, 2)), Extents(8, 6));
  EXPECT_EQ(b.multiply_adds(), 8 * 9 * 4 * 6);
}

TEST(Shapes, CountsAttentionOfThoseThatAsk) {
  Shapes b;
  const Shapes::Qkv qkv = Shapes::make_qkv(weight({48, 8}), {}, 2);
  const Shapes::Projection seen = b.project({2, 8}, {5, 8}, {}, qkv, false);
  EXPECT_EQ(of(seen.q), Extents(2, 16));
  EXPECT_EQ(of(seen.k), Extents(5, 16));
  const int64_t projected = (2 + 5 + 5) * 8 * 16;
  EXPECT_EQ(b.multiply_adds(), projected);
  EXPECT_EQ(of(b.attention(seen, 2, {})), Extents(2, 16));
  EXPECT_EQ(b.multiply_adds(), projected + 2 * 5 * (16 + 16));
}

}  // namespace
}  // namespace fovea
