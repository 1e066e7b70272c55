#include "fovea/train/student.h"

#include <gtest/gtest.h>

#include "fovea/fovea.h"
#include "fovea/model/testing.h"

namespace fovea {
namespace {

const std::vector<std::string> kClasses = {"cat", "dog", "owl"};

// A plain model whose table of positions is of 2 x 4 patches, as only its size of input tells.
Architecture oblong() {
  Architecture a;
  a.name = "oblong";
  a.width = 16;
  a.depth = 3;
  a.block.heads = 2;
  a.block.mlp_width = 32;
  a.patch = {4, 4};
  a.class_token = a.final_norm = true;
  a.classes = 3;
  a.input_size = {8, 16};
  a.position_rows = 9;
  return a;
}

void expect_one_architecture(const Student& student) {
  const Architecture& a = student.architecture;
  for (const Architecture* kept : {&student.vit.architecture, &student.vit.head.architecture}) {
    EXPECT_EQ(kept->input_size, a.input_size);
    EXPECT_EQ(kept->image_size, a.image_size);
    EXPECT_EQ(kept->parameters, a.parameters);
    ASSERT_EQ(kept->routing.has_value(), a.routing.has_value());
    EXPECT_EQ(kept->routing.value_or(Routing()).keep_ratio,
              a.routing.value_or(Routing()).keep_ratio);
  }
}

TEST(StudentTest, ItsPartsKnowTheArchitectureAsItIsTrained) {
  const TemporaryFolder folder;
  save_varied_model(folder / "model", oblong());
  Recipe recipe;
  recipe.model = folder / "model";
  recipe.img_size = 12;
  expect_one_architecture(make_student(recipe, kClasses));
  recipe.model.clear();
  recipe.teacher = folder / "model";
  recipe.big_little = true;
  recipe.keep_ratio = 0.75;
  const Student routed = make_student(recipe, kClasses);
  EXPECT_EQ(routed.architecture.routing->keep_ratio, 0.75);
  expect_one_architecture(routed);
}

TEST(StudentTest, AnotherSizeOfInputLeavesTheGridOfThePositions) {
  const TemporaryFolder folder;
  save_varied_model(folder / "model", oblong());
  Recipe recipe;
  recipe.model = folder / "model";
  recipe.img_size = 12;
  const Student student = make_student(recipe, kClasses);
  save_model(folder / "trained", student.architecture, student.config, student.torch->weights());
  const Model before = Model::load(folder / "model", {.threads = 1});
  const Model trained = Model::load(folder / "trained", {.threads = 1});
  Array image({1, 3, 12, 12});
  for (size_t i = 0; i < image.data.size(); ++i) image.data[i] = static_cast<float>(i % 7);
  EXPECT_EQ(trained.run(image).tokens.data, before.run(image).tokens.data);
}

}  // namespace
}  // namespace fovea
