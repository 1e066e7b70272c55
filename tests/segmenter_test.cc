// fovea::Segmenter as a program uses it: one picture, many questions, from several threads.
#include "fovea/segmenter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "fovea/io/testing.h"
#include "tests/paths.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::filesystem::path golden(const std::string& name) { return test_data() / "goldens-sam" / name; }

Image made_up(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int inside = (x - 40) * (x - 40) + (y - 30) * (y - 30) < 400 ? 150 : 0;
      for (const int value : {x % 100 + inside, y % 100, (x * y) % 251}) {
        image.rgb.push_back(static_cast<uint8_t>(value));
      }
    }
  }
  return image;
}

Prompt point_at(float x, float y, bool multimask = true) {
  Prompt prompt;
  prompt.points = {{x, y}};
  prompt.labels = {1};
  prompt.multimask = multimask;
  return prompt;
}

void expect_same(const std::vector<PromptMasks>& a, const std::vector<PromptMasks>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].iou, b[i].iou);
    EXPECT_EQ(a[i].logits.data, b[i].logits.data);
    ASSERT_EQ(a[i].masks.size(), b[i].masks.size());
    for (size_t m = 0; m < a[i].masks.size(); ++m) {
      EXPECT_EQ(a[i].masks[m].counts, b[i].masks[m].counts);
    }
  }
}

TEST(Segmenter, APictureAnswersAsOftenAsItIsAsked) {
  const Segmenter segmenter = Segmenter::load(golden("sam"), {.threads = 2});
  EXPECT_EQ(segmenter.side(), 128);
  const EncodedPicture picture = segmenter.encode(made_up(90, 60), {}, "a.png");
  EXPECT_EQ(picture.placement(), place_picture(90, 60, 128));
  EXPECT_THAT(picture.embedding().shape, ElementsAre(1, 32, 8, 8));
  EXPECT_EQ(picture.name(), "a.png");
  const std::vector<Prompt> prompts = {point_at(40, 30), point_at(7, 50, false), point_at(80, 5)};
  const std::vector<PromptMasks> first = segmenter.ask(picture, prompts);
  ASSERT_THAT(first, SizeIs(3));
  EXPECT_THAT(first[0].masks, SizeIs(3));
  EXPECT_THAT(first[1].masks, SizeIs(1));
  EXPECT_THAT(first[0].logits.shape, ElementsAre(3, 32, 32));
  EXPECT_EQ(first[0].masks[0].width, 90);
  EXPECT_EQ(first[0].masks[0].height, 60);
  expect_same(segmenter.ask(picture, prompts), first);
  EXPECT_TRUE(segmenter.ask(picture, {}).empty());
  // An answer may be asked with again.
  Prompt again = point_at(40, 30, false);
  again.mask =
      Array({1, 32, 32}, {first[0].logits.data.begin(), first[0].logits.data.begin() + 1024});
  EXPECT_NE(segmenter.ask(picture, std::vector{again})[0].logits.data,
            segmenter.ask(picture, std::vector{point_at(40, 30, false)})[0].logits.data);
}

TEST(Segmenter, BestIsTheHighestEstimate) {
  PromptMasks masks;
  masks.iou = {0.2F, 0.9F, 0.9F, -1};
  EXPECT_EQ(masks.best(), 1U);
}

TEST(Segmenter, SeveralThreadsAskAtOnce) {
  const Segmenter segmenter = Segmenter::load(golden("sam"), {.threads = 2});
  const EncodedPicture picture = segmenter.encode(made_up(90, 60));
  const std::vector<Prompt> prompts = {point_at(40, 30), point_at(7, 50, false)};
  const std::vector<PromptMasks> want = segmenter.ask(picture, prompts);
  const std::vector<float> embedding = picture.embedding().data;
  std::vector<std::vector<PromptMasks>> answers(4);
  std::vector<std::vector<float>> embeddings(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < answers.size(); ++i) {
    threads.emplace_back([&, i] {
      embeddings[i] = segmenter.encode(made_up(90, 60)).embedding().data;
      answers[i] = segmenter.ask(picture, prompts);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < answers.size(); ++i) {
    expect_same(answers[i], want);
    EXPECT_EQ(embeddings[i], embedding);
  }
}

TEST(Segmenter, EmbeddingsAreKept) {
  const TemporaryFolder folder;
  const Segmenter segmenter = Segmenter::load(golden("sam"));
  const EncodedPicture picture = segmenter.encode(made_up(90, 60), {.side = 160}, "a.png");
  EXPECT_THAT(picture.embedding().shape, ElementsAre(1, 32, 10, 10));
  picture.save(folder / "e.safetensors");
  const EncodedPicture back = segmenter.open(folder / "e.safetensors", 160);
  EXPECT_EQ(back.embedding().data, picture.embedding().data);
  EXPECT_EQ(back.placement(), picture.placement());
  const std::vector<Prompt> prompts = {point_at(40, 30)};
  expect_same(segmenter.ask(back, prompts), segmenter.ask(picture, prompts));
  EXPECT_THAT(error_of([&] { segmenter.open(folder / "e.safetensors", 128); }),
              HasSubstr("is an embedding of 160 pixels; expected one of 128"));
  const Segmenter other = Segmenter::load(golden("sam-picture"));
  EXPECT_THAT(error_of([&] { other.open(folder / "e.safetensors"); }),
              HasSubstr("is the embedding of another model"));
  EXPECT_THAT(error_of([&] { other.ask(picture, prompts); }),
              HasSubstr("a picture that another model encoded"));
  EXPECT_THAT(error_of([&] { other.everything(picture); }),
              HasSubstr("a picture that another model encoded"));
}

TEST(Segmenter, PromptsAreChecked) {
  const Segmenter segmenter = Segmenter::load(golden("sam"));
  const EncodedPicture picture = segmenter.encode(made_up(90, 60));
  EXPECT_THAT(error_of([&] { segmenter.ask(picture, std::vector{point_at(40, 60)}); }),
              HasSubstr("the point 40,60 lies outside of the picture of 90 x 60 pixels"));
  EXPECT_THAT(error_of([&] { segmenter.encode(made_up(90, 60), {.side = 100}); }),
              HasSubstr("100"));
  EXPECT_THAT(error_of([&] { segmenter.encode(made_up(400, 1), {}, "line.png"); }),
              HasSubstr("line.png: a picture of 400 x 1 pixels; too narrow"));
}

TEST(Segmenter, EverythingIsWhatPromptsGive) {
  const Segmenter segmenter = Segmenter::load(golden("sam"), {.threads = 2});
  const EncodedPicture picture = segmenter.encode(made_up(90, 60));
  const EverythingOptions options = {.points_per_side = 5,
                                     .least_iou = 0,
                                     .least_stability = 0,
                                     .most_overlap = 0.7,
                                     .prompts_at_once = 4};
  const std::vector<FoundMask> found = segmenter.everything(picture, options);
  ASSERT_FALSE(found.empty());
  for (const FoundMask& mask : found) {
    const PromptMasks answer =
        segmenter.ask(picture, std::vector{point_at(mask.point[0], mask.point[1])})[0];
    bool known = false;
    for (size_t m = 0; m < answer.masks.size(); ++m) {
      known |= answer.masks[m].counts == mask.rle.counts && answer.iou[m] == mask.iou;
    }
    EXPECT_TRUE(known);
  }
  // How many are asked at once changes nothing.
  EverythingOptions one_by_one = options;
  one_by_one.prompts_at_once = 1;
  const std::vector<FoundMask> again = segmenter.everything(picture, one_by_one);
  ASSERT_EQ(again.size(), found.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(again[i].rle.counts, found[i].rle.counts);
}

}  // namespace
}  // namespace fovea
