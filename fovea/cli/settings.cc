#include "fovea/cli/settings.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>

#include "fovea/cli/options.h"

namespace fovea::cli {
namespace {

// Each of `settings` with each part of the option's list.
std::vector<MergeTexts> with_each(const std::vector<MergeTexts>& settings,
                                  const std::string& option, const std::string& list) {
  std::vector<MergeTexts> more;
  for (const MergeTexts& setting : settings) {
    for (const std::string& part : split(list)) {
      more.push_back(setting);
      more.back()[option] = part;
    }
  }
  return more;
}

// In [0, 1), the same with every library.
double uniform(std::mt19937& generator) { return generator() / 4294967296.0; }

}  // namespace

std::string Setting::text(const std::string& option) const {
  const auto found = typed.find(option);
  return found == typed.end() ? "" : found->second;
}

MergeTexts Setting::without(const std::string& option) const {
  MergeTexts rest = typed;
  rest.erase(option);
  return rest;
}

Setting setting_of(const MergeTexts& typed) {
  Setting setting;
  setting.typed = typed;
  setting.merge = merge_options(typed);
  return setting;
}

std::vector<Setting> combinations(const MergeTexts& lists, const std::string& fastest) {
  std::vector<MergeTexts> texts(1);
  for (const MergeOption& option : merge_option_table()) {
    const auto list = lists.find(option.name);
    if (list != lists.end() && list->first != fastest) {
      texts = with_each(texts, list->first, list->second);
    }
  }
  const auto last = lists.find(fastest);
  if (last != lists.end()) texts = with_each(texts, fastest, last->second);
  std::vector<Setting> settings;
  for (const MergeTexts& typed : texts) settings.push_back(setting_of(typed));
  return settings;
}

std::vector<Setting> random_settings(const MergeTexts& typed, int count, int depth, int most) {
  std::mt19937 generator(0);
  std::vector<Setting> settings;
  for (int i = 0; i < count; ++i) {
    // Shares that are spread evenly over all that add up to 1.
    std::vector<double> shares;
    for (int layer = 0; layer < depth; ++layer) {
      shares.push_back(-std::log(1 - uniform(generator)));
    }
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    const double total = (0.05 + 0.95 * uniform(generator)) * depth * most;
    MergeTexts texts = typed;
    texts["r"].clear();
    for (const double share : shares) {
      texts["r"] += std::to_string(std::lround(total * share / sum)) + ",";
    }
    // A list of one needs its comma.
    depth > 1 ? texts["r"].pop_back() : texts["r"].push_back('0');
    settings.push_back(setting_of(texts));
    settings.back().random = true;
  }
  return settings;
}

std::string describe(const Setting& setting, const std::vector<std::string>& names) {
  if (!setting.file.empty()) return setting.file;
  std::string text;
  for (const std::string& name : names) {
    const std::string value = setting.text(name);
    if (!value.empty()) text += (text.empty() ? "" : ", ") + name + " " + value;
  }
  return text.empty() ? "merged" : text;
}

std::vector<std::string> telling_options(const std::vector<Setting>& settings,
                                         const std::string& fastest) {
  std::vector<std::string> varying;
  std::vector<std::string> common;
  for (const MergeOption& option : merge_option_table()) {
    const std::string name = option.name;
    std::set<std::string> texts;
    for (const Setting& setting : settings) texts.insert(setting.text(name));
    if (name == fastest || texts.empty()) continue;
    if (texts.size() > 1) {
      varying.push_back(name);
    } else if (!texts.begin()->empty()) {
      common.push_back(name);
    }
  }
  return varying.empty() ? common : varying;
}

}  // namespace fovea::cli
