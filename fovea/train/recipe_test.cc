#include "fovea/train/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "fovea/io/file.h"
#include "fovea/io/testing.h"
#include "tests/paths.h"

namespace fovea {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string refusal(const std::string& text) {
  return error_of([&] {
    Recipe recipe;
    read_recipe(text, "recipe.json", recipe);
  });
}

// Sets one key as the command line does.
void type(const std::string& key, const std::string& text, Recipe& recipe) {
  for (const RecipeField& field : recipe_fields(recipe)) {
    if (key == field.name) return set_typed(field, text);
  }
  FAIL() << key;
}

Recipe whole() {
  Recipe recipe;
  recipe.data = "data";
  recipe.output = "out";
  return recipe;
}

TEST(Recipe, ReadsEveryKindOfKey) {
  Recipe recipe;
  read_recipe(R"({"depth": 9, "lr": 0.002, "amp": true, "stem": "hmlp", "scale": [0.2, 0.9],
                  "stem_widths": [32, 64], "merge": {"r": 5}, "eval_merge": "8%"})",
              "recipe.json", recipe);
  EXPECT_EQ(recipe.depth, 9);
  EXPECT_EQ(recipe.lr, 0.002);
  EXPECT_EQ(recipe.amp, Amp::on);
  EXPECT_EQ(recipe.stem, "hmlp");
  EXPECT_THAT(recipe.scale, testing::ElementsAre(0.2, 0.9));
  EXPECT_THAT(recipe.stem_widths, testing::ElementsAre(32, 64));
  EXPECT_EQ(recipe.merge, R"({"r":5})");
  EXPECT_EQ(recipe.eval_merge, "8%");
}

TEST(Recipe, NamesTheKeyThatIsWrong) {
  EXPECT_THAT(refusal(R"({"epoch": 3})"),
              AllOf(HasSubstr("recipe.json: unknown key epoch"), HasSubstr("epochs")));
  EXPECT_THAT(refusal(R"({"depth": "nine"})"),
              AllOf(HasSubstr("recipe.json: depth is \"nine\""), HasSubstr("a whole number")));
  EXPECT_THAT(refusal(R"({"depth": 0})"), HasSubstr("depth is 0"));
  EXPECT_THAT(refusal(R"({"depth": 1.5})"), HasSubstr("depth is 1.5"));
  EXPECT_THAT(refusal(R"({"hflip": 1.01})"), HasSubstr("from 0 to 1"));
  EXPECT_THAT(refusal(R"({"amp": "on"})"), HasSubstr("amp is \"on\"; expected one of auto"));
  EXPECT_THAT(refusal(R"({"amp": 1})"), HasSubstr("one of auto, true, false"));
  EXPECT_THAT(refusal(R"({"stem": "mlp"})"), HasSubstr("one of linear, hmlp, conv"));
  EXPECT_THAT(refusal(R"({"scale": [0.5]})"), HasSubstr("2 numbers"));
  EXPECT_THAT(refusal(R"({"data": 3})"), HasSubstr("expected a text"));
  EXPECT_THAT(refusal(R"({"merge": [8]})"), HasSubstr("a number, a share such as \"8%\", or an"));
  EXPECT_THAT(refusal("[1]"), HasSubstr("recipe.json"));
  EXPECT_THAT(refusal(R"({"depth": )"), HasSubstr("recipe.json"));
}

TEST(Recipe, IsTypedAsWell) {
  Recipe recipe;
  type("depth", "4", recipe);
  type("amp", "on", recipe);
  type("scale", "0.3,1", recipe);
  type("stem_widths", "48", recipe);
  type("data", "2024", recipe);
  type("merge", "5", recipe);
  EXPECT_EQ(recipe.depth, 4);
  EXPECT_EQ(recipe.amp, Amp::on);
  EXPECT_THAT(recipe.scale, testing::ElementsAre(0.3, 1));
  EXPECT_THAT(recipe.stem_widths, testing::ElementsAre(48));
  EXPECT_EQ(recipe.data, "2024");
  EXPECT_EQ(recipe.merge, "5");
  type("merge", "8%", recipe);
  EXPECT_EQ(recipe.merge, "8%");
  EXPECT_THAT(error_of([&] { type("batch_size", "many", recipe); }),
              HasSubstr("--batch-size is \"many\""));
}

TEST(Recipe, IsReadAgainFromItsText) {
  Recipe recipe;
  type("epochs", "2.5", recipe);
  type("stem_widths", "24,48", recipe);
  type("merge", R"({"r": 3})", recipe);
  const std::string text = recipe_text(recipe);
  EXPECT_THAT(text, HasSubstr(R"("amp": "auto")"));
  Recipe again;
  read_recipe(text, "recipe.json", again);
  EXPECT_EQ(recipe_text(again), text);
  EXPECT_EQ(again.epochs, 2.5);
}

TEST(Recipe, IsRefusedWhereKeysDoNotGoTogether) {
  EXPECT_EQ(error_of([] { check_recipe(whole()); }), "");
  const auto refused = [](auto change) {
    Recipe recipe = whole();
    change(recipe);
    return error_of([&] { check_recipe(recipe); });
  };
  EXPECT_THAT(refused([](Recipe& r) { r.data = ""; }), HasSubstr("data is not given"));
  EXPECT_THAT(refused([](Recipe& r) { r.output = ""; }), HasSubstr("output is not given"));
  EXPECT_THAT(refused([](Recipe& r) { r.heads = 5; }), HasSubstr("heads is 5"));
  EXPECT_THAT(refused([](Recipe& r) { r.img_size = 30; }), HasSubstr("img_size is 30"));
  EXPECT_THAT(refused([](Recipe& r) { r.class_token = false; }), HasSubstr("global_pool"));
  EXPECT_THAT(refused([](Recipe& r) { r.tune = "head"; }), HasSubstr("tune is head"));
  EXPECT_THAT(refused([](Recipe& r) { r.distillation = "soft"; }), HasSubstr("teacher"));
  EXPECT_THAT(refused([](Recipe& r) { r.scale = {1, 0.5}; }), HasSubstr("scale"));
}

TEST(RecipeTest, OfOtherMediaIsRefusedWhereKeysDoNotGoTogether) {
  const auto refused = [](const std::string& medium, auto change) {
    Recipe recipe = whole();
    recipe.medium = medium;
    if (medium == "video") recipe.global_pool = "avg";
    recipe.class_token = medium == "sound";
    change(recipe);
    return error_of([&] { check_recipe(recipe); });
  };
  EXPECT_EQ(refused("video", [](Recipe&) {}), "");
  EXPECT_EQ(refused("sound", [](Recipe&) {}), "");
  EXPECT_THAT(refused("video", [](Recipe& r) { r.class_token = true; }),
              HasSubstr("medium is video; expected class_token false"));
  EXPECT_THAT(refused("video", [](Recipe& r) { r.num_frames = 5; }),
              HasSubstr("num_frames is 5; expected a multiple of tubelet_size, 2"));
  EXPECT_THAT(refused("sound", [](Recipe& r) { r.mel_bins = 8; }),
              HasSubstr("mel_bins is 8; expected at least patch_size, 16"));
  EXPECT_THAT(refused("sound", [](Recipe& r) { r.stem = "conv"; }),
              HasSubstr("medium is sound; expected stem linear"));
  EXPECT_THAT(refused("video", [](Recipe& r) { r.objective = "segment"; }),
              HasSubstr("objective segment beside it"));
}

TEST(RecipeTest, ThoseThatAreShippedAreWhole) {
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(test_data() / "../recipes")) {
    Recipe recipe;
    read_recipe(read_text(file.path()), file.path(), recipe);
    recipe.data = "data";
    recipe.output = "out";
    if (recipe.distillation != "none") recipe.teacher = "teacher";
    EXPECT_EQ(error_of([&] { check_recipe(recipe); }), "") << file.path();
    training_merge(recipe);
    evaluation_merge(recipe);
    ++count;
  }
  EXPECT_GE(count, 7);
}

TEST(RecipeTest, SaysHowTokensMerge) {
  Recipe recipe;
  EXPECT_TRUE(training_merge(recipe).prop_attn);
  recipe.merge = "5";
  recipe.eval_merge = R"({"r": "8%", "metric": "x"})";
  EXPECT_EQ(training_merge(recipe).schedule.r, Amount(5));
  EXPECT_FALSE(training_merge(recipe).prop_attn) << "sizes count only where they are asked for";
  EXPECT_EQ(evaluation_merge(recipe).schedule.r, Amount::percent(8));
  EXPECT_TRUE(evaluation_merge(recipe).prop_attn);
  recipe.merge = R"({"r": 5, "prop-attn": true})";
  EXPECT_TRUE(training_merge(recipe).prop_attn);
  recipe.merge = R"({"s": 5})";
  EXPECT_THAT(error_of([&] { training_merge(recipe); }), HasSubstr("merge: unknown key s"));
}

}  // namespace
}  // namespace fovea
