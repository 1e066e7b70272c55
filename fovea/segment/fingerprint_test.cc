#include "fovea/segment/fingerprint.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "fovea/io/safetensors.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

struct Tensors {
  std::string prefix = "image_encoder.";
  std::vector<float> large = std::vector<float>(10'000, 0.5F);
  std::vector<float> small = {1, 2, 3};
  std::vector<float> decoder = {4, 5};
  Shape shape = {100, 100};
};

std::string fingerprint_with(const std::function<void(Tensors&)>& change) {
  Tensors t;
  change(t);
  const TemporaryFolder folder;
  const Array large(t.shape, t.large);
  const Array small({3}, t.small);
  const Array decoder({2}, t.decoder);
  write_safetensors(folder / "m.safetensors",
                    {to_write(t.prefix + "large", large), to_write(t.prefix + "small", small),
                     to_write("mask_decoder.x", decoder)});
  return encoder_fingerprint(TensorFile::open(folder / "m.safetensors"));
}

TEST(Fingerprint, IsThatOfTheEncodersWeights) {
  const std::string plain = fingerprint_with([](Tensors&) {});
  EXPECT_EQ(plain.size(), 16U);
  EXPECT_EQ(fingerprint_with([](Tensors& t) { t.decoder[0] = 9; }), plain);
  EXPECT_EQ(fingerprint_with([](Tensors& t) { t.prefix = "vision_encoder."; }), plain);
  EXPECT_NE(fingerprint_with([](Tensors& t) { t.small[2] = 4; }), plain);
  EXPECT_NE(fingerprint_with([](Tensors& t) { t.large.back() = 4; }), plain);
  EXPECT_NE(fingerprint_with([](Tensors& t) { t.large.front() = 4; }), plain);
  EXPECT_NE(fingerprint_with([](Tensors& t) { t.shape = {10'000}; }), plain);
  EXPECT_NE(fingerprint_with([](Tensors& t) {
              for (float& value : t.large) value += 0.001F;
            }),
            plain);
}

}  // namespace
}  // namespace fovea
