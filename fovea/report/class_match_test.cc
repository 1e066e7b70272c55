#include "fovea/report/class_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Strings = std::vector<std::string>;

const ClassNames kKnown = {
    {"tench, Tinca tinca", "Goldfish", "great white shark", "crane, machine", "crane, bird"}, {}};

ClassMatch match(const Strings& folders, const ClassNames& known = kKnown,
                 std::optional<ClassesBy> by = {}, int classes = 5) {
  return match_classes(folders, known, classes, NamedBy::folders, by);
}

TEST(MatchClasses, ByAnyNameOfALabel) {
  const ClassMatch found = match({"GREAT_WHITE_shark", "goldfish ", "tinca tinca"});
  EXPECT_EQ(found.by, ClassesBy::name);
  EXPECT_THAT(found.classes, ElementsAre(2, 1, 0));
  EXPECT_THAT(match({"tench, Tinca tinca", "bird"}).classes, ElementsAre(0, 4));
}

TEST(MatchClasses, ByTheExactNameBeforeAFoldedOne) {
  const ClassNames known = {{"a", "A", "b, x", "B"}, {}};
  const ClassMatch found = match({"A", "B", "a", "b"}, known, {}, 4);
  EXPECT_EQ(found.by, ClassesBy::name);
  EXPECT_THAT(found.classes, ElementsAre(1, 3, 0, 2));
  EXPECT_THAT(match({"X", "a"}, known, {}, 4).classes, ElementsAre(2, 0));
}

TEST(MatchClasses, ByTheWholeLabelBeforeAPartOfOne) {
  const ClassNames known = {{"maillot, tank suit", "Maillot"}, {}};
  EXPECT_THAT(match({"Maillot", "tank suit"}, known, {}, 2).classes, ElementsAre(1, 0));
  EXPECT_THAT(match({"maillot"}, known, {}, 2).classes, ElementsAre(0)) << "exact before folded";
  EXPECT_THAT(match({"MAILLOT"}, known, {}, 2).classes, ElementsAre(1));
}

TEST(MatchClasses, BySynsets) {
  const ClassNames known = {{"tench", "springer"}, {"n01440764", "n02102040"}};
  EXPECT_THAT(match({"n02102040"}, known, {}, 2).classes, ElementsAre(1));
  EXPECT_THAT(match({"n02102040", "tench"}, known, {}, 2).classes, ElementsAre(1, 0));
  EXPECT_THAT(error_of([&] {
                match({"n01440764", "tench"}, known, {}, 2);
              }),
              HasSubstr("class folders n01440764 and tench mean the same class, 0"));
  EXPECT_THAT(match_classes({"n01440764", "tench"}, known, 2, NamedBy::labels).classes,
              ElementsAre(0, 0))
      << "labels of a file may";
}

TEST(MatchClasses, ByNumberWhereAllAreNumbers) {
  const ClassNames none;
  const Strings sorted = {"0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"};
  const ClassMatch found = match(sorted, none, {}, 12);
  EXPECT_EQ(found.by, ClassesBy::number);
  EXPECT_THAT(found.classes, ElementsAre(0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_THAT(match({"00", "01", "02"}, none, {}, 3).classes, ElementsAre(0, 1, 2));
  EXPECT_EQ(match({"1", "2", "3"}, none, {}, 3).by, ClassesBy::order) << "counted from 1";
  EXPECT_THAT(error_of([&] {
                match({"3", "7"}, none, {}, 12);
              }),
              HasSubstr("2 class folders, none of them called as one of the model's labels (0 for "
                        "12 classes); expected labels, or --classes number"));
  EXPECT_THAT(match({"3", "7"}, none, ClassesBy::number, 12).classes, ElementsAre(3, 7));
  EXPECT_THAT(match_classes({"3", "7"}, none, 12, NamedBy::labels).classes, ElementsAre(3, 7));
  EXPECT_THAT(error_of([&] {
                match({"07", "7"}, none, ClassesBy::number, 12);
              }),
              HasSubstr("class folders 07 and 7 mean the same class, 7"));
  // Names go before numbers.
  EXPECT_THAT(match({"0", "1"}, {{"1", "0"}, {}}, {}, 2).classes, ElementsAre(1, 0));
}

TEST(MatchClasses, BySortedOrderWhereNothingElseFits) {
  const ClassMatch found = match({"a", "b", "c", "d", "e"});
  EXPECT_EQ(found.by, ClassesBy::order);
  EXPECT_THAT(found.classes, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(match({"x", "y"}, {}, {}, 2).classes, ElementsAre(0, 1));
}

TEST(MatchClasses, AsIsAskedFor) {
  const ClassNames known = {{"b", "a", "1"}, {}};
  EXPECT_THAT(match({"1", "a", "b"}, known, {}, 3).classes, ElementsAre(2, 1, 0));
  EXPECT_THAT(match({"1", "a", "b"}, known, ClassesBy::order, 3).classes, ElementsAre(0, 1, 2));
  const auto error = [&](const Strings& folders, ClassesBy by) {
    return error_of([&] { match(folders, known, by, 3); });
  };
  EXPECT_THAT(error({"1", "a"}, ClassesBy::number),
              HasSubstr("class folder a: expected whole numbers from 0 to 2"));
  EXPECT_THAT(error({"3", "1"}, ClassesBy::number), HasSubstr("class folder 3: expected whole"));
  EXPECT_THAT(error({"-0", "1"}, ClassesBy::number), HasSubstr("class folder -0: expected whole"));
  EXPECT_THAT(error({"1", "a"}, ClassesBy::order),
              HasSubstr("2 class folders; expected 3, one for every class"));
  EXPECT_THAT(error({"x", "y", "z"}, ClassesBy::name), HasSubstr("class folder x: none of"));
}

TEST(MatchClasses, RefusesWhatIsNotClear) {
  const auto error = [](const Strings& folders) { return error_of([&] { match(folders); }); };
  EXPECT_THAT(error({"goldfish", "cat"}), HasSubstr("class folder cat: none of"));
  EXPECT_THAT(error({"goldfish", "crane"}), HasSubstr("class folder crane: none of"));
  EXPECT_THAT(error({"tench", "tinca tinca"}), HasSubstr("tench and tinca tinca mean the same"));
  EXPECT_THAT(error({"a", "b"}), HasSubstr("2 class folders, none of them"));
  EXPECT_THAT(error_of([] { match_classes({"a"}, kKnown, 5, NamedBy::labels); }),
              HasSubstr("1 labels, none of them called as one of the model's labels (5 for 5 "
                        "classes); expected labels, or one label for every class"));
}

}  // namespace
}  // namespace fovea
