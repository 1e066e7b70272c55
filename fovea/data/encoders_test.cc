// What the writers write, read back.
#include "fovea/data/encoders.h"

#include <gif_lib.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>

#include "fovea/io/fail.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Image noise(int width, int height, uint32_t seed, int levels = 256) {
  std::mt19937 random(seed);
  Image image{width, height, std::vector<uint8_t>(size_t{3} * width * height)};
  for (uint8_t& value : image.rgb) {
    value = static_cast<uint8_t>(random() % levels * 255 / (levels - 1));
  }
  return image;
}

TEST(EncodePng, ComesBackToTheBit) {
  for (const auto& [width, height] : {std::pair{1, 1}, {7, 3}, {300, 211}}) {
    const Image image = noise(width, height, 1);
    const Image back = decode_image(as_bytes(encode_png(image)), "back");
    EXPECT_EQ(back.width, width);
    EXPECT_EQ(back.height, height);
    EXPECT_EQ(back.rgb, image.rgb);
  }
}

struct PngChunk {
  std::string type, data;
};

uint32_t number_at(const std::string& bytes, size_t offset, int size = 4) {
  uint32_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(bytes.at(offset + i));
  return value;
}

std::vector<PngChunk> chunks_of_png(const std::string& png) {
  std::vector<PngChunk> chunks;
  for (size_t at = 8; at < png.size();) {
    const uint32_t size = number_at(png, at);
    chunks.push_back({png.substr(at + 4, 4), png.substr(at + 8, size)});
    at += size_t{12} + size;
  }
  return chunks;
}

std::string image_data(const std::string& png) {
  std::string data;
  for (const PngChunk& chunk : chunks_of_png(png)) {
    if (chunk.type == "IDAT") data += chunk.data;
  }
  return data;
}

// What the header says of the pixels: bits of a channel, and the colour type.
std::pair<int, int> pixels_of(const std::string& png) {
  const PngChunk header = chunks_of_png(png).at(0);
  return {static_cast<int>(number_at(header.data, 8, 1)),
          static_cast<int>(number_at(header.data, 9, 1))};
}

TEST(EncodePng, GreyHasEightOrSixteenBits) {
  const std::vector<uint8_t> bytes = {0, 1, 128, 255, 7, 9};
  const std::string eight = encode_grey_png(bytes, 3, 2);
  EXPECT_EQ(pixels_of(eight), std::pair(8, 0));
  const Image back = decode_image(as_bytes(eight), "back");
  ASSERT_EQ(back.width, 3);
  ASSERT_EQ(back.height, 2);
  for (size_t i = 0; i < bytes.size(); ++i) EXPECT_EQ(back.rgb[3 * i], bytes[i]);
  const std::vector<uint16_t> numbers = {0, 1, 256, 65'535};
  const std::string sixteen = encode_grey_png(numbers, 4, 1);
  EXPECT_EQ(pixels_of(sixteen), std::pair(16, 0));
  // Pillow, which decode_image repeats, makes white of all above 255.
  EXPECT_THAT(decode_image(as_bytes(sixteen), "back").rgb,
              ElementsAre(0, 0, 0, 1, 1, 1, 255, 255, 255, 255, 255, 255));
}

TEST(EncodePng, AlphaShowsWhatIsBehind) {
  const Image image = noise(5, 3, 4);
  std::vector<uint8_t> alpha(15, 255);
  alpha[7] = 0;
  const std::string png = encode_png(image, alpha);
  EXPECT_EQ(pixels_of(png), std::pair(8, 6));
  const Image over = decode_image(as_bytes(png), "back", {.background = Rgb{1, 2, 3}});
  for (int i = 0; i < 15; ++i) {
    for (int c = 0; c < 3; ++c) {
      EXPECT_EQ(over.rgb[3 * i + c], i == 7 ? c + 1 : image.rgb[3 * i + c]) << i;
    }
  }
}

TEST(EncodePng, PixelsMustBeThere) {
  EXPECT_THAT(error_of([] { encode_grey_png(std::vector<uint8_t>(5), 3, 2); }),
              HasSubstr("5 bytes; expected 6"));
  EXPECT_THAT(error_of([] { encode_png(noise(2, 2, 1), std::vector<uint8_t>(3)); }),
              HasSubstr("12 bytes; expected 16"));
}

TEST(EncodeApng, HoldsEveryFrameWithItsTime) {
  const std::vector<Frame> frames = {
      {noise(90, 70, 1), 1500}, {noise(90, 70, 2), 40}, {noise(90, 70, 3), 100'000}};
  const std::string bytes = encode_apng(frames);
  uint32_t sequence = 0;
  std::vector<std::string> data;
  std::vector<uint32_t> times;
  for (const PngChunk& chunk : chunks_of_png(bytes)) {
    if (chunk.type == "acTL") {
      EXPECT_EQ(number_at(chunk.data, 0), 3U);
      EXPECT_EQ(number_at(chunk.data, 4), 0U);  // for ever
    } else if (chunk.type == "fcTL") {
      EXPECT_EQ(number_at(chunk.data, 0), sequence++);
      EXPECT_EQ(number_at(chunk.data, 4), 90U);
      EXPECT_EQ(number_at(chunk.data, 8), 70U);
      times.push_back(number_at(chunk.data, 20, 2) * 1000 / number_at(chunk.data, 22, 2));
      data.emplace_back();
    } else if (chunk.type == "IDAT") {
      data.back() += chunk.data;
    } else if (chunk.type == "fdAT") {
      EXPECT_EQ(number_at(chunk.data, 0), sequence++);
      data.back() += chunk.data.substr(4);
    }
  }
  EXPECT_THAT(times, ElementsAre(1500U, 40U, 65535U));
  ASSERT_EQ(data.size(), frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(data[i], image_data(encode_png(frames[i].image))) << i;
  }
}

TEST(EncodeApng, IsAPngOfItsFirstFrame) {
  const std::vector<Frame> frames = {{noise(9, 7, 1), 100}, {noise(9, 7, 2), 100}};
  EXPECT_EQ(decode_image(as_bytes(encode_apng(frames)), "a").rgb, frames[0].image.rgb);
}

// Decodes a GIF and puts every frame over the ones before, as a viewer does.
struct Played {
  int width = 0, height = 0;
  bool for_ever = false;
  std::vector<Image> frames;
  std::vector<int> hundredths;
};

int read_gif(GifFileType* gif, GifByteType* to, int count) {
  auto* rest = static_cast<std::string_view*>(gif->UserData);
  const size_t got = std::min(rest->size(), static_cast<size_t>(count));
  std::memcpy(to, rest->data(), got);
  rest->remove_prefix(got);
  return static_cast<int>(got);
}

void put_over(const SavedImage& saved, int transparent, Image& shown) {
  const GifImageDesc& part = saved.ImageDesc;
  for (int y = 0; y < part.Height; ++y) {
    for (int x = 0; x < part.Width; ++x) {
      const int index = saved.RasterBits[y * part.Width + x];
      if (index == transparent) continue;
      const GifColorType colour = part.ColorMap->Colors[index];
      uint8_t* rgb =
          shown.rgb.data() + 3 * (static_cast<size_t>(y + part.Top) * shown.width + x + part.Left);
      rgb[0] = colour.Red;
      rgb[1] = colour.Green;
      rgb[2] = colour.Blue;
    }
  }
}

Played play(const std::string& bytes) {
  std::string_view rest = bytes;
  int error = 0;
  const auto close = [](GifFileType* gif) { DGifCloseFile(gif, nullptr); };
  const std::unique_ptr<GifFileType, decltype(close)> gif(DGifOpen(&rest, read_gif, &error), close);
  if (!gif || DGifSlurp(gif.get()) != GIF_OK) fail("the GIF can't be read back");
  Played played{gif->SWidth, gif->SHeight, bytes.find("NETSCAPE2.0") != std::string::npos, {}, {}};
  Image shown{gif->SWidth, gif->SHeight,
              std::vector<uint8_t>(size_t{3} * gif->SWidth * gif->SHeight)};
  for (int i = 0; i < gif->ImageCount; ++i) {
    GraphicsControlBlock control = {};
    EXPECT_EQ(DGifSavedExtensionToGCB(gif.get(), i, &control), GIF_OK);
    EXPECT_EQ(control.DisposalMode, DISPOSE_DO_NOT);
    put_over(gif->SavedImages[i], control.TransparentColor, shown);
    played.frames.push_back(shown);
    played.hundredths.push_back(control.DelayTime);
  }
  return played;
}

TEST(EncodeGif, FewColoursComeBackToTheBit) {
  std::vector<Frame> frames = {
      {noise(31, 20, 1, 6), 1500}, {noise(31, 20, 2, 6), 500}, {noise(31, 20, 3, 2), 2490}};
  const Played played = play(encode_gif(frames));
  EXPECT_EQ(played.width, 31);
  EXPECT_EQ(played.height, 20);
  EXPECT_TRUE(played.for_ever);
  EXPECT_THAT(played.hundredths, ElementsAre(150, 50, 249));
  ASSERT_EQ(played.frames.size(), 3U);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(played.frames[i].rgb, frames[i].image.rgb) << i;
}

TEST(EncodeGif, KeepsThePaceOfManyFrames) {
  std::vector<Frame> frames;
  for (uint32_t i = 0; i < 5; ++i) frames.push_back({noise(4, 4, i, 2), 133});
  frames.push_back({noise(4, 4, 9, 2), 1'000'000});
  EXPECT_THAT(play(encode_gif(frames)).hundredths, ElementsAre(13, 13, 13, 14, 13, 65535));
}

TEST(EncodeGif, FramesHoldOnlyWhatChanges) {
  const Image first = noise(200, 150, 1, 4);
  Image second = first;
  for (const int x : {20, 22, 25}) second.rgb[3 * (40 * 200 + x)] ^= 0xFF;
  const std::vector<Frame> frames = {{first, 100}, {second, 100}, {second, 100}, {first, 100}};
  const std::string bytes = encode_gif(frames);
  EXPECT_LT(bytes.size(), encode_gif(std::span(frames).first(1)).size() + 300);
  const Played played = play(bytes);
  ASSERT_EQ(played.frames.size(), 4U);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(played.frames[i].rgb, frames[i].image.rgb) << i;
}

// Dithering keeps what is seen from afar: means of blocks of 8 x 8 pixels.
TEST(EncodeGif, PhotographsKeepTheirColoursFromAfar) {
  Image image{256, 256, {}};
  for (int y = 0; y < 256; ++y) {
    for (int x = 0; x < 256; ++x) {
      for (const int value : {x, y, (x + y) / 2}) image.rgb.push_back(static_cast<uint8_t>(value));
    }
  }
  const std::vector<Frame> frames = {{image, 100}};
  const Image shown = play(encode_gif(frames)).frames.at(0);
  std::vector<double> off(size_t{32} * 32 * 3);
  for (int y = 0; y < 256; ++y) {
    for (int x = 0; x < 256; ++x) {
      for (int c = 0; c < 3; ++c) {
        const size_t i = 3 * (static_cast<size_t>(y) * 256 + x) + c;
        off[3 * (y / 8 * 32 + x / 8) + c] += (shown.rgb[i] - image.rgb[i]) / 64.0;
      }
    }
  }
  for (const double mean : off) EXPECT_LT(std::abs(mean), 6);
}

TEST(Animations, RefuseWhatTheyCantHold) {
  const std::vector<Frame> sizes = {{noise(3, 2, 1), 1}, {noise(2, 3, 1), 1}};
  for (const auto encode : {encode_gif, encode_apng}) {
    EXPECT_THAT(error_of([&] { encode({}); }), HasSubstr("no frames"));
    EXPECT_THAT(error_of([&] { encode(sizes); }), HasSubstr("3 x 2 and 2 x 3 pixels"));
  }
  const std::vector<Frame> wide = {{noise(65536, 1, 1), 1}};
  EXPECT_THAT(error_of([&] { encode_gif(wide); }), HasSubstr("GIF of 65536 x 1 pixels"));
}

}  // namespace
}  // namespace fovea
