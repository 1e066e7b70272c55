// The combinations of settings that a command line with lists asks for.
#pragma once

#include <string>
#include <vector>

#include "fovea/cli/merge_flags.h"
#include "fovea/fovea.h"

namespace fovea::cli {

// One combination.
struct Setting {
  std::map<std::string, std::string>
      typed;  // the options' texts; what is not there has its default
  MergeOptions merge;
  std::string file = {};  // that it comes from, if it does
  bool random = false;    // one of many drawn at random

  // The text of an option, empty where it has its default.
  std::string text(const std::string& option) const;
  // Without one of them: settings in which these are equal differ in that one alone.
  MergeTexts without(const std::string& option) const;
};

// Throws Error for what can't be read or does not go together.
Setting setting_of(const MergeTexts& typed);

// Every combination of the parts of each option that commas separate; `fastest` changes fastest.
// Throws Error likewise.
std::vector<Setting> combinations(const MergeTexts& lists, const std::string& fastest);

// `count` schedules of numbers drawn at random: for each a total, up to that of `most` in every
// layer, and then each layer's share of it. `typed` are all other options.
std::vector<Setting> random_settings(const MergeTexts& typed, int count, int depth, int most);

// What sets a line of settings that differ in one option apart from the others: "metric x, inflect
// -1". `names` are the options to tell.
std::string describe(const Setting& setting, const std::vector<std::string>& names);

// The options but `fastest` in which the settings differ, in the order of the help; those that they
// have in common where they don't differ.
std::vector<std::string> telling_options(const std::vector<Setting>& settings,
                                         const std::string& fastest);

}  // namespace fovea::cli
