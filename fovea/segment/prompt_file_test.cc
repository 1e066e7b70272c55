#include "fovea/segment/prompt_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "fovea/io/npy.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

std::string error_in(const std::string& text) {
  return error_of([&] { parse_prompts(text, "p.json"); });
}

TEST(PromptFile, ReadsAListAndOneObjectALine) {
  const std::string first =
      R"({"name": "cat", "file": "a.png", "points": [[1.5, 2], [3, 4]], "labels": [1, 0],
          "box": [0, 1, 2, 3.25], "mask": "m.npy", "multimask": true})";
  std::string on_a_line = first;
  std::replace(on_a_line.begin(), on_a_line.end(), '\n', ' ');
  const std::string second = R"({"points": [[5, 6]]})";
  for (const std::string& text :
       {"[" + first + ", " + second + "]", on_a_line + "\r\n\n  " + second + "\n"}) {
    const std::vector<FilePrompt> prompts = parse_prompts(text, "p.json");
    ASSERT_THAT(prompts, SizeIs(2));
    const Prompt& prompt = prompts[0].prompt;
    EXPECT_EQ(prompt.name, "cat");
    EXPECT_EQ(prompts[0].picture, "a.png");
    EXPECT_EQ(prompts[0].mask, "m.npy");
    EXPECT_THAT(prompt.points, ElementsAre(std::array{1.5F, 2.0F}, std::array{3.0F, 4.0F}));
    EXPECT_THAT(prompt.labels, ElementsAre(1, 0));
    EXPECT_EQ(prompt.box, (std::array{0.0F, 1.0F, 2.0F, 3.25F}));
    EXPECT_TRUE(prompt.multimask);
    EXPECT_THAT(prompts[1].prompt.labels, ElementsAre(1));
    EXPECT_EQ(prompts[1].prompt.name, "");
    EXPECT_FALSE(prompts[1].prompt.multimask);
    EXPECT_FALSE(prompts[1].prompt.box);
  }
}

TEST(PromptFile, MultimaskMayBeTheRule) {
  const std::string text = R"([{"points": [[1, 2]]}, {"points": [[1, 2]], "multimask": false}])";
  const std::vector<FilePrompt> prompts = parse_prompts(text, "p.json", true);
  EXPECT_TRUE(prompts[0].prompt.multimask);
  EXPECT_FALSE(prompts[1].prompt.multimask);
}

TEST(PromptFile, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_in(""), "p.json: holds no prompt");
  EXPECT_EQ(error_in("[]"), "p.json: holds no prompt");
  EXPECT_THAT(error_in("[{}"), StartsWith("p.json: not JSON: "));
  EXPECT_THAT(error_in("{\"box\": [1, 2, 3, 4]}\n{]"), StartsWith("p.json: line 2: not JSON: "));
  EXPECT_EQ(error_in("[7]"), "p.json: prompt 0: is 7; expected an object");
  EXPECT_EQ(error_in("[{}]"),
            "p.json: prompt 0: asks for nothing; expected points, a box or a mask");
  EXPECT_EQ(
      error_in(R"([{"box": [0, 0, 1, 1]}, {"boxes": 3}])"),
      "p.json: prompt 1: has the key boxes; expected name, file, points, labels, box, mask or "
      "multimask");
  EXPECT_EQ(error_in(R"([{"box": [0, 0, 1]}])"),
            "p.json: prompt 0: box is [0,0,1]; expected [x0, y0, x1, y1]");
  for (const char* points :
       {"3", "[1, 2]", "[[1]]", "[[1, 2, 3]]", R"([[1, "2"]])", "[[1, NaN]]"}) {
    EXPECT_THAT(error_in(R"([{"points": )" + std::string(points) + "}]"),
                HasSubstr("expected [[x, y], ...]"))
        << points;
  }
  for (const char* labels : {"1", "[1]", "[1, 2]", "[1, 0.5]", "[1, true]", "[1, -1]"}) {
    EXPECT_THAT(
        error_in(R"([{"points": [[1, 2], [3, 4]], "labels": )" + std::string(labels) + "}]"),
        HasSubstr("expected [...], 1 or 0 for each point"))
        << labels;
  }
  EXPECT_THAT(error_in(R"([{"labels": [1], "box": [0, 0, 1, 1]}])"), HasSubstr("labels is [1]"));
  EXPECT_THAT(error_in(R"([{"box": [0, 0, 1, 1], "multimask": 1}])"),
              HasSubstr("multimask is 1; expected true or false"));
  EXPECT_THAT(error_in(R"([{"box": [0, 0, 1, 1], "name": ""}])"), HasSubstr("expected a text"));
  EXPECT_THAT(error_in(R"([{"mask": 4}])"), HasSubstr("mask is 4; expected a text"));
}

TEST(PromptFile, NamesOfOnePictureDiffer) {
  const std::string box = R"("box": [0, 0, 1, 1])";
  EXPECT_EQ(error_in(R"([{"name": "a", "file": "x", )" + box + R"(}, {"name": "a", )" + box + "}]"),
            "");
  EXPECT_EQ(error_in(R"([{"name": "a", )" + box + R"(}, {"name": "a", )" + box + "}]"),
            "p.json: prompt 1: is called a as one before it; expected another name");
}

TEST(PromptFile, PathsAreRelativeToIt) {
  const TemporaryFolder folder;
  write_npy(folder / "m.npy", Array({2, 2}, {1, 2, 3, 4}));
  write_npy(folder / "three.npy", Array({3, 2, 2}, std::vector<float>(12)));
  write_file(folder / "p.json", R"([{"mask": "m.npy", "file": "a.png"}])");
  const std::vector<FilePrompt> prompts = read_prompts(folder / "p.json");
  ASSERT_THAT(prompts, SizeIs(1));
  EXPECT_EQ(prompts[0].picture, folder / "a.png");
  EXPECT_THAT(prompts[0].prompt.mask.shape, ElementsAre(1, 2, 2));
  EXPECT_THAT(prompts[0].prompt.mask.data, ElementsAre(1, 2, 3, 4));
  write_file(folder / "p.json", R"([{"mask": "three.npy"}])");
  EXPECT_THAT(error_of([&] { read_prompts(folder / "p.json"); }),
              HasSubstr("three.npy: is [3, 2, 2]; expected the logits of one mask"));
  write_file(folder / "p.json", R"([{"mask": "none.npy"}])");
  EXPECT_THAT(error_of([&] { read_prompts(folder / "p.json"); }), HasSubstr("none.npy"));
}

}  // namespace
}  // namespace fovea
