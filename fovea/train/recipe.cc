#include "fovea/train/recipe.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "fovea/io/fail.h"
#include "fovea/io/json.h"
#include "fovea/tokens/options_json.h"

namespace fovea {
namespace {

using nlohmann::json;

// "one of a, b, c"
std::string one_of(const std::vector<std::string>& choices) {
  std::string text;
  for (const std::string& choice : choices) text += (text.empty() ? "one of " : ", ") + choice;
  return text;
}

std::string bounds_of(const RecipeField& field) {
  return fmt::format("from {} to {}", field.least, field.most);
}

// Sets one kind of slot; each returns what was expected where the value is of another kind.
class Setter {
 public:
  Setter(const RecipeField& field, const json& value) : field_(field), value_(value) {}

  std::string operator()(int* slot) const {
    if (!value_.is_number_integer() || !inside(value_))
      return "a whole number " + bounds_of(field_);
    *slot = value_.get<int>();
    return {};
  }
  std::string operator()(double* slot) const {
    if (!inside(value_)) return "a number " + bounds_of(field_);
    *slot = value_.get<double>();
    return {};
  }
  std::string operator()(bool* slot) const {
    if (!value_.is_boolean()) return "true or false";
    *slot = value_.get<bool>();
    return {};
  }
  std::string operator()(Amp* slot) const {
    if (value_ != "auto" && !value_.is_boolean()) return one_of(field_.choices);
    *slot = value_ == "auto" ? Amp::automatic : value_.get<bool>() ? Amp::on : Amp::off;
    return {};
  }
  std::string operator()(std::string* slot) const {
    // What says how tokens merge may be an object or a number, and is kept as text.
    const bool is_merge = std::string_view(field_.name).ends_with("merge");
    if (is_merge && (value_.is_object() || value_.is_number())) {
      *slot = value_.dump();
      return {};
    }
    if (!value_.is_string())
      return is_merge ? "a number, a share such as \"8%\", or an object of options" : "a text";
    const std::string text = value_.get<std::string>();
    const auto& choices = field_.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return one_of(choices);
    }
    *slot = text;
    return {};
  }
  template <size_t kCount>
  std::string operator()(std::array<double, kCount>* slot) const {
    if (!value_.is_array() || value_.size() != kCount || !all_inside()) {
      return fmt::format("{} numbers {}", kCount, bounds_of(field_));
    }
    for (size_t i = 0; i < kCount; ++i) (*slot)[i] = value_[i].template get<double>();
    return {};
  }
  std::string operator()(std::vector<int>* slot) const {
    const auto whole = [](const json& item) { return item.is_number_integer(); };
    if (!value_.is_array() || !all_inside() || !std::all_of(value_.begin(), value_.end(), whole)) {
      return "a list of whole numbers " + bounds_of(field_);
    }
    *slot = value_.get<std::vector<int>>();
    return {};
  }

 private:
  bool inside(const json& number) const {
    if (!number.is_number()) return false;
    const double x = number.get<double>();
    return std::isfinite(x) && x >= field_.least && x <= field_.most;
  }
  bool all_inside() const {
    return std::all_of(value_.begin(), value_.end(),
                       [&](const json& item) { return inside(item); });
  }

  const RecipeField& field_;
  const json& value_;
};

void set(const RecipeField& field, const json& value, const std::string& where) {
  const std::string expected = std::visit(Setter(field, value), field.slot);
  if (!expected.empty()) fail("{} is {}; expected {}", where, printable_json(value), expected);
}

// How many letters differ, are missing or are too many.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t swapped = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({swapped, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string_view nearest(const std::string& key, const std::vector<RecipeField>& fields) {
  return std::min_element(fields.begin(), fields.end(),
                          [&](const RecipeField& a, const RecipeField& b) {
                            return distance(key, a.name) < distance(key, b.name);
                          })
      ->name;
}

// Those of a number of tokens, or of an object of options.
MergeTexts merge_texts(const std::string& text, const char* key) {
  if (text.empty()) return {};
  if (json::parse(text, nullptr, false).is_object()) return parse_merge_config(text, key);
  return {{"r", text}};
}

void check_video(const Recipe& r) {
  if (r.class_token || r.global_pool != "avg") {
    fail("medium is video; expected class_token false and global_pool avg, as VideoMAE has them");
  }
  if (frames_of(r) % r.tubelet_size != 0) {
    fail("num_frames is {}; expected a multiple of tubelet_size, {}", frames_of(r), r.tubelet_size);
  }
}

void check_sound(const Recipe& r) {
  if (frames_of(r) < r.patch_size || r.mel_bins < r.patch_size) {
    fail("num_frames is {} and mel_bins is {}; expected at least patch_size, {}", frames_of(r),
         r.mel_bins, r.patch_size);
  }
}

// The keys of a new model of videos or of sound.
void check_new_medium(const Recipe& r) {
  if (r.medium == "picture") return;
  if (r.stem != "linear" || r.distillation_token || r.big_little || is_segment(r)) {
    fail(
        "medium is {}; expected stem linear, and neither distillation_token, big_little nor "
        "objective segment beside it",
        r.medium);
  }
  if (r.medium == "video") return check_video(r);
  check_sound(r);
}

}  // namespace

void to_json(nlohmann::ordered_json& value, Amp amp) {
  value = amp == Amp::on;
  if (amp == Amp::automatic) value = "auto";
}

void read_recipe(const std::string& text, const std::string& name, Recipe& recipe) {
  const json object = parse_json_object(text, name);
  const std::vector<RecipeField> fields = recipe_fields(recipe);
  for (const auto& [key, value] : object.items()) {
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&key = key](const RecipeField& f) { return key == f.name; });
    if (field == fields.end()) {
      fail("{}: unknown key {}; the nearest is {}", name, printable(key), nearest(key, fields));
    }
    set(*field, value, fmt::format("{}: {}", name, key));
  }
}

void set_typed(const RecipeField& field, const std::string& text) {
  std::string option = fmt::format("--{}", field.name);
  std::replace(option.begin(), option.end(), '_', '-');
  // Texts are typed without quotes, and lists without brackets.
  json value = json::parse(text, nullptr, false);
  if (std::holds_alternative<std::string*>(field.slot)) {
    if (!value.is_object()) value = text;
  } else if (value.is_discarded() || text.find(',') != std::string::npos) {
    const json list = json::parse("[" + text + "]", nullptr, false);
    value = list.is_discarded() ? json(text) : list;
  } else if (std::holds_alternative<std::vector<int>*>(field.slot) && value.is_number()) {
    value = json::array({value});
  }
  const bool is_switch =
      std::holds_alternative<bool*>(field.slot) || std::holds_alternative<Amp*>(field.slot);
  if (is_switch && (text == "on" || text == "off")) {
    value = text == "on";
  }
  set(field, value, option);
}

std::string recipe_text(const Recipe& recipe) {
  nlohmann::ordered_json object;
  Recipe copy = recipe;
  for (const RecipeField& field : recipe_fields(copy)) {
    std::visit([&](const auto* slot) { object[field.name] = *slot; }, field.slot);
  }
  return object.dump(1) + "\n";
}

int frames_of(const Recipe& r) {
  constexpr int kUsual = 16;  // of a clip
  constexpr int kUsualOfSound = 1024;
  if (r.num_frames > 0) return r.num_frames;
  return r.medium == "video" ? kUsual : kUsualOfSound;
}

std::string start_of(const Recipe& r) {
  return r.model.empty() && r.big_little ? r.teacher : r.model;
}

void check_recipe(const Recipe& r) {
  if (r.data.empty()) fail("data is not given; expected a folder, or a zip file, of classes");
  if (r.output.empty()) fail("output is not given; expected a folder to write to");
  const bool makes_new = start_of(r).empty();
  if (makes_new) check_new_medium(r);
  if (makes_new && r.width % r.heads != 0) {
    fail("width is {} and heads is {}; expected a width that heads divide", r.width, r.heads);
  }
  if (makes_new && r.medium != "sound" && r.img_size % r.patch_size != 0) {
    fail("img_size is {}; expected a multiple of patch_size, {}", r.img_size, r.patch_size);
  }
  if (makes_new && !is_segment(r) && r.global_pool == "token" && !r.class_token) {
    fail("global_pool is token; expected avg where class_token is false");
  }
  if (makes_new && r.distillation_token && (!r.class_token || r.global_pool != "token")) {
    fail("distillation_token is true; expected a class_token, and global_pool token, beside it");
  }
  if (r.delta && (r.model.empty() || r.big_little)) {
    fail("delta is true; expected a model that the result can be told as a change of");
  }
  if (makes_new && r.tune != "all") {
    fail("tune is {}; expected all for a model that starts from nothing", r.tune);
  }
  const bool only_starts = r.big_little && !r.teacher.empty();  // where nothing is distilled
  if (r.teacher.empty() != (r.distillation == "none") && !only_starts) {
    fail("teacher is {} and distillation is {}; expected both or none",
         r.teacher.empty() ? "not given" : r.teacher, r.distillation);
  }
  if (is_mae(r) && (!r.teacher.empty() || r.big_little || !r.merge.empty() || r.delta)) {
    fail("objective is mae; expected neither teacher, big_little, merge nor delta beside it");
  }
  if (is_segment(r) && (r.delta || r.tune != "all")) {
    fail("objective is segment; expected neither delta nor tune beside it");
  }
  if (is_segment(r) && r.distillation != "none" && r.distillation != "feature") {
    fail("objective is segment and distillation is {}; expected feature: it has no classes",
         r.distillation);
  }
  if (r.scale[0] > r.scale[1] || r.ratio[0] > r.ratio[1]) {
    fail("scale or ratio goes from more to less; expected the lesser number first");
  }
}

MergeOptions training_merge(const Recipe& recipe) {
  if (recipe.merge.empty()) return {};
  MergeTexts texts = merge_texts(recipe.merge, "merge");
  texts.emplace("prop-attn", "off");
  return merge_options(texts);
}

MergeOptions evaluation_merge(const Recipe& recipe) {
  return merge_options(merge_texts(recipe.eval_merge, "eval_merge"));
}

}  // namespace fovea
