#include "fovea/model/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(ClassNames, AreThoseOfTheConfig) {
  Config config;
  config.labels = {"cat", "dog"};
  EXPECT_THAT(class_names(config, 2).names, ElementsAre("cat", "dog"));
  EXPECT_THAT(class_names(config, 2).ids, IsEmpty());
  EXPECT_THAT(class_names(config, 3).names, IsEmpty()) << "they are not of this head";
  EXPECT_THAT(class_names(Config(), 3).names, IsEmpty());
}

TEST(ClassNames, AreDescriptionsWhereThereAreSome) {
  Config config;
  config.labels = {"n01440764", "x1", "n02102040"};
  config.label_descriptions = {{"x1", "a thing"}, {"n02102040", "a springer"}};
  const ClassNames names = class_names(config, 3);
  EXPECT_THAT(names.names, ElementsAre("tench, Tinca tinca", "a thing", "a springer"));
  EXPECT_EQ(names.ids, config.labels);
  EXPECT_FALSE(names.is_assumed);
}

TEST(ClassNames, OfAThousandClassesAreImageNets) {
  const ClassNames assumed = class_names(Config(), 1000);
  EXPECT_TRUE(assumed.is_assumed);
  ASSERT_EQ(assumed.names.size(), 1000U);
  ASSERT_EQ(assumed.ids.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(assumed.ids.begin(), assumed.ids.end()));
  // As everyone numbers them.
  EXPECT_EQ(assumed.names[0], "tench, Tinca tinca");
  EXPECT_EQ(assumed.names[281], "tabby, tabby cat");
  EXPECT_EQ(assumed.ids[281], "n02123045");
  EXPECT_EQ(assumed.names[999].substr(0, 13), "toilet tissue");
  EXPECT_EQ(assumed.ids[999], "n15075141");
}

TEST(ClassNames, GiveImageNetsNamesTheirSynsets) {
  Config config;
  for (const std::string& name : class_names(Config(), 1000).names) {
    config.labels.push_back(names_in(name).front());
  }
  config.labels[3] = "another name of the same";
  const ClassNames names = class_names(config, 1000);
  EXPECT_FALSE(names.is_assumed);
  EXPECT_EQ(names.names, config.labels);
  EXPECT_EQ(names.ids.at(281), "n02123045");
  std::reverse(config.labels.begin(), config.labels.end());
  EXPECT_THAT(class_names(config, 1000).ids, IsEmpty()) << "of another order";
}

TEST(ClassNames, AreNotTransformersStandIns) {
  Config config;
  for (int i = 0; i < 1000; ++i) config.labels.push_back("LABEL_" + std::to_string(i));
  EXPECT_TRUE(class_names(config, 1000).is_assumed);
  config.labels[5] = "cat";
  EXPECT_EQ(class_names(config, 1000).names, config.labels);
}

TEST(Probabilities, AreASoftmaxOrSigmoids) {
  const std::vector<float> logits = {1, -2, 1000};
  EXPECT_THAT(probabilities(std::vector<float>{0, std::log(3.0F)}, ProblemType::single_label),
              ElementsAre(DoubleNear(0.25, 1e-7), DoubleNear(0.75, 1e-7)));
  EXPECT_THAT(probabilities(logits, ProblemType::single_label), ElementsAre(0, 0, 1));
  EXPECT_THAT(probabilities(logits, ProblemType::multi_label),
              ElementsAre(DoubleNear(0.7310585786, 1e-9), DoubleNear(0.1192029220, 1e-9), 1));
  EXPECT_THAT(error_of([&] { probabilities(logits, ProblemType::regression); }),
              testing::HasSubstr("problem_type is regression"));
}

TEST(LabelNames, AreWhatStandsBetweenCommas) {
  EXPECT_THAT(names_in("tench,  Tinca tinca "), ElementsAre("tench", "Tinca tinca"));
  EXPECT_THAT(names_in(""), ElementsAre(""));
  EXPECT_THAT(names_in(" , a"), ElementsAre("", "a"));
  EXPECT_EQ(folded_name(" Great__WHITE shark_"), "great white shark");
}

}  // namespace
}  // namespace fovea
