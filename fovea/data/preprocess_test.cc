// The evaluation transform against what Pillow, torchvision and timm make of the same pictures.
#include "fovea/data/preprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <tuple>

#include "fovea/data/resize.h"
#include "fovea/io/npy.h"
#include "fovea/io/safetensors.h"
#include "fovea/io/testing.h"
#include "fovea/model/preprocessing.h"
#include "tests/compare.h"
#include "tests/paths.h"

namespace fovea {
namespace {

using testing::HasSubstr;

struct Golden {
  const char* name;
  const char* extension;
  double grey_levels;  // how far off of 255 a value may be
};

class PreprocessGoldens : public testing::TestWithParam<Golden> {};

// What Pillow and torchvision's transform make of the same pictures.
TEST_P(PreprocessGoldens, AreMet) {
  const std::filesystem::path folder = test_data() / "goldens-preprocess";
  const std::string name = GetParam().name;
  const Array want =
      read_npy(test_data() / "goldens-preprocessed" / (name + "-" + GetParam().extension + ".npy"));
  const std::filesystem::path file = folder / (name + "." + GetParam().extension);
  const Preprocessing spec;
  Array got({3, spec.height, spec.width});
  ASSERT_EQ(got.shape, want.shape);
  preprocess(read_image(file), spec, got.data, file.string());
  ASSERT_TRUE(expect_finite(got.data, "the input") && expect_finite(want.data, "the golden"));
  double worst = 0;
  for (size_t i = 0; i < want.data.size(); ++i) {
    const size_t channel = i / (got.data.size() / 3);
    worst = std::max(
        worst, std::abs(static_cast<double>(got.data[i]) - want.data[i]) * spec.std[channel] * 255);
  }
  EXPECT_LE(worst, GetParam().grey_levels);
  RecordProperty("worst", std::to_string(worst));
}

INSTANTIATE_TEST_SUITE_P(
    Pictures, PreprocessGoldens,
    testing::Values(Golden{"photo", "jpg", 0.01}, Golden{"progressive", "jpg", 0.01},
                    Golden{"gray", "jpg", 0.01}, Golden{"cmyk", "jpg", 0.01},
                    Golden{"alpha", "png", 0.01}, Golden{"gray", "png", 0.01},
                    Golden{"palette", "png", 0.01}, Golden{"small", "png", 0.01}),
    [](const auto& info) { return std::string(info.param.name) + "_" + info.param.extension; });

Image plain(int width, int height) {
  Image image{width, height, std::vector<uint8_t>(size_t{3} * width * height)};
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>(i % 3 * 100);
  return image;
}

TEST(Preprocess, KeepsAPlainPicturePlainWhateverItsShape) {
  for (const Fit fit : {Fit::cover, Fit::short_side, Fit::squash}) {
    for (const int height : {32, 48}) {
      for (const Image& image : {plain(10, 300), plain(300, 10), plain(32, 32), plain(1, 1)}) {
        Preprocessing spec;
        spec.height = height;
        spec.width = 32;
        spec.fit = fit;
        std::vector<float> out(size_t{3} * spec.height * spec.width, NAN);
        preprocess(image, spec, out, "plain");
        for (size_t i = 0; i < out.size(); ++i) {
          const size_t channel = i / (out.size() / 3);
          const float want =
              (static_cast<float>(channel) * 100 / 255 - spec.mean[channel]) / spec.std[channel];
          ASSERT_NEAR(out[i], want, 1e-5);
        }
      }
    }
  }
}

TEST(Preprocess, NamesAPictureThatIsTooNarrow) {
  std::vector<float> out(size_t{3} * 224 * 224);
  EXPECT_THAT(error_of([&] { preprocess(plain(1, 1'000'000), {}, out, "line.png"); }),
              HasSubstr("line.png: 1 x 1000000 pixels; too narrow"));
  Preprocessing squash;
  squash.crop_pct = 1;
  squash.fit = Fit::squash;
  EXPECT_THAT(error_of([&] { preprocess(plain(1, 1'000'000), squash, out, "line.png"); }),
              HasSubstr("line.png: 1 x 1000000 pixels; too narrow to be resized to 224 x 224"));
}

Preprocessing input(int height, int width, double crop_pct, Interpolation interpolation) {
  Preprocessing spec;
  spec.height = height;
  spec.width = width;
  spec.crop_pct = crop_pct;
  spec.interpolation = interpolation;
  return spec;
}

void expect_golden(const std::string& name, const Preprocessing& spec) {
  const std::filesystem::path folder = test_data() / "goldens-pictures";
  const Array want = read_npy(folder / ("preprocess-" + name + ".npy"));
  Array got({3, spec.height, spec.width});
  ASSERT_EQ(got.shape, want.shape);
  preprocess(read_image(folder / "source.png"), spec, got.data, "source.png");
  EXPECT_EQ(got.data, want.data);
}

TEST(Preprocess, FollowsTorchvisionForSquareInputs) {
  expect_golden("square-odd", input(27, 27, 0.9, Interpolation::bilinear));
  expect_golden("square-whole", input(32, 32, 1.0, Interpolation::bicubic));
}

TEST(Preprocess, FollowsTimmForOtherInputs) {
  expect_golden("tall", input(30, 12, 0.875, Interpolation::bicubic));
  expect_golden("wide", input(17, 40, 0.95, Interpolation::bilinear));
}

TEST(Preprocess, SquashesWithoutKeepingTheAspect) {
  Preprocessing spec = input(17, 40, 1, Interpolation::bicubic);
  spec.fit = Fit::squash;
  expect_golden("squash", spec);
}

// What transformers 5.24 makes of the picture with its processors on Pillow, by these keys.
void expect_transformers(const std::string& name, const std::string& keys) {
  const std::filesystem::path folder = test_data() / "goldens-pictures";
  const Array want = read_npy(folder / ("preprocess-transformers-" + name + ".npy"));
  Config config;
  parse_preprocessor_config(keys, "preprocessor_config.json", config);
  Preprocessing& spec = config.preprocessing;
  std::tie(spec.height, spec.width) = std::tie(config.input_size->rows, config.input_size->columns);
  Array got({3, spec.height, spec.width});
  ASSERT_EQ(got.shape, want.shape);
  preprocess(read_image(folder / "source.png"), spec, got.data, "source.png");
  for (size_t i = 0; i < want.data.size(); ++i) {
    ASSERT_NEAR(got.data[i], want.data[i], 1e-6) << "at " << i;
  }
}

// 41 x 53 pixels go to 30 x 38, and the margins around 23 are 3.5 and 7.5: one rounds to even as it
// rounds down, the other doesn't.
TEST(Preprocess, FollowsTransformersWhereMarginsAreOdd) {
  expect_transformers("odd", R"({"size": {"shortest_edge": 30}, "resample": 3,
                                 "crop_size": {"height": 23, "width": 23}})");
}

TEST(Preprocess, FollowsTransformersForOtherInputs) {
  expect_transformers("wide", R"({"size": {"shortest_edge": 30}, "resample": 2,
                                  "crop_size": {"height": 17, "width": 23}})");
}

TEST(Preprocess, FollowsTransformersWhereTheAspectIsNotKept) {
  expect_transformers("squash", R"({"size": 61, "crop_size": 22, "resample": 3})");
}

TEST(Preprocess, FollowsTransformersWithoutResizing) {
  // Wider than the picture and less high: black on the sides.
  expect_transformers("unresized", R"({"do_resize": false, "crop_size": 46})");
}

TEST(Preprocess, FollowsTransformersWithOtherValues) {
  expect_transformers("rescale", R"({"size": 24, "rescale_factor": 0.00784313725490196,
      "resample": 2, "image_mean": 1, "image_std": [0.5, 0.6, 0.7]})");
}

// 500 x 308 pixels go to 415 x 256; half the margin of 191 is 95.5.
TEST(Preprocess, RoundsHalfAMarginAsTheLibraryThatMadeTheConfig) {
  Image picture{500, 308, std::vector<uint8_t>(size_t{3} * 500 * 308)};
  for (size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = static_cast<uint8_t>(i * i >> 4);
  const auto cut_at = [&](int left) {
    return resize(picture, 415, 256, Interpolation::bicubic, {left, 16, 224, 224}).rgb;
  };
  Preprocessing spec = input(224, 224, 0.875, Interpolation::bicubic);
  EXPECT_EQ(resize_and_crop(picture, spec, "picture").rgb, cut_at(96)) << "torchvision: to even";
  spec.crop_down = true;
  EXPECT_EQ(resize_and_crop(picture, spec, "picture").rgb, cut_at(95)) << "transformers: down";
}

TEST(Preprocess, TakesNothingElseWhereThePictureMustFit) {
  Preprocessing spec = input(32, 48, 1, Interpolation::bicubic);
  spec.fit = Fit::exact;
  const Image picture = plain(48, 32);
  EXPECT_EQ(resize_and_crop(picture, spec, "picture").rgb, picture.rgb);
  EXPECT_THAT(error_of([&] { resize_and_crop(plain(32, 48), spec, "tall.png"); }),
              HasSubstr("tall.png: 48 x 32 pixels; expected 32 x 48"));
}

// Brightness says where a pixel lies: red from left to right, green from top to bottom.
Image ramps(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.rgb.push_back(static_cast<uint8_t>(255 * x / width));
      image.rgb.push_back(static_cast<uint8_t>(255 * y / height));
      image.rgb.push_back(50);
    }
  }
  return image;
}

// The mean of the pixels of an enlarged picture that stand for pixel (x, y).
double mean_of(const Image& image, int x, int y, int channel, int enlarged) {
  double sum = 0;
  for (int i = 0; i < enlarged * enlarged; ++i) {
    const size_t row = static_cast<size_t>(y) * enlarged + i / enlarged;
    const size_t column = static_cast<size_t>(x) * enlarged + i % enlarged;
    sum += image.rgb[3 * (row * image.width + column) + channel];
  }
  return sum / (enlarged * enlarged);
}

// Half a pixel off would be 255 / 64 / 2 = 2 grey levels everywhere.
TEST(ResizeAndCrop, EnlargedShowsTheSameAtTheSamePlace) {
  constexpr int kEnlarged = 3;
  for (const Preprocessing& spec :
       {input(32, 32, 0.9, Interpolation::bicubic), input(33, 33, 0.875, Interpolation::bilinear),
        input(48, 32, 0.95, Interpolation::bicubic)}) {
    for (const auto& [width, height] : {std::pair{64, 64}, {65, 127}, {301, 80}, {40, 41}}) {
      const Image picture = ramps(width, height);
      const Image small = resize_and_crop(picture, spec, "ramps");
      const Image large = resize_and_crop(picture, spec, "ramps", kEnlarged);
      ASSERT_EQ(large.width, kEnlarged * spec.width);
      ASSERT_EQ(large.height, kEnlarged * spec.height);
      for (size_t i = 0; i < small.rgb.size(); ++i) {
        const int pixel = static_cast<int>(i / 3);
        const double mean = mean_of(large, pixel % spec.width, pixel / spec.width,
                                    static_cast<int>(i % 3), kEnlarged);
        ASSERT_NEAR(mean, small.rgb[i], 1.5) << width << " x " << height << " at " << i;
      }
    }
  }
}

TEST(ResizeAndCrop, NamesAPictureThatIsTooNarrow) {
  EXPECT_THAT(error_of([] { resize_and_crop(plain(10, 50'000), {}, "line.png", 4); }),
              HasSubstr("line.png: 10 x 50000 pixels; too narrow to be resized to 992 x 4960000"));
}

// Segment Anything's way, against what Pillow makes of the golden's picture.
TEST(PreprocessCorner, IsTheOriginals) {
  const std::filesystem::path folder = test_data() / "goldens-sam" / "sam-picture";
  const SafeTensors golden = SafeTensors::open(folder / "expect.safetensors");
  const TensorView& resized = golden.tensors().at("resized");
  ASSERT_EQ(resized.shape, (Shape{85, 128, 3}));
  Preprocessing spec = sam_preprocessing();
  spec.height = spec.width = 128;
  Array got({3, 128, 128});
  preprocess(read_image(folder / "picture.png"), spec, got.data, "picture.png");
  for (int y = 0; y < 128; ++y) {
    for (int x = 0; x < 128; ++x) {
      for (int c = 0; c < 3; ++c) {
        const float value = got.data[(c * 128 + y) * 128 + x];
        if (y >= 85) {
          ASSERT_EQ(value, 0) << y;  // padded after normalising
          continue;
        }
        const int want = std::to_integer<int>(resized.bytes[(y * 128 + x) * 3 + c]);
        ASSERT_NEAR(value * spec.std[c] + spec.mean[c], want, 1e-3) << y << ", " << x;
      }
    }
  }
  // As a picture it has the mean colour beside it.
  const Image square = resize_and_crop(read_image(folder / "picture.png"), spec, "picture.png");
  EXPECT_EQ(square.height, 128);
  const std::vector<uint8_t> last(square.rgb.end() - 3, square.rgb.end());
  EXPECT_THAT(last, testing::ElementsAre(124, 116, 104));
  EXPECT_EQ(square.rgb[0], std::to_integer<int>(resized.bytes[0]));
}

TEST(PreprocessCorner, RefusesWhatDoesNotFit) {
  Preprocessing spec = sam_preprocessing();
  spec.height = 64;
  spec.width = 128;
  std::vector<float> out(size_t{3} * 64 * 128);
  const Image image{2, 2, std::vector<uint8_t>(12)};
  EXPECT_THAT(error_of([&] { preprocess(image, spec, out, "a.png"); }),
              HasSubstr("a.png: an input of 64 x 128 pixels; expected a square"));
  spec.height = 128;
  out.resize(size_t{3} * 128 * 128);
  const Image line{1000, 1, std::vector<uint8_t>(3000)};
  EXPECT_THAT(error_of([&] { preprocess(line, spec, out, "a.png"); }),
              HasSubstr("a.png: a picture of 1000 x 1 pixels; too narrow"));
}

}  // namespace
}  // namespace fovea
