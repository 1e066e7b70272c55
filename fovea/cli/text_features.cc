#include "fovea/cli/text_features.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "fovea/backend/dot.h"
#include "fovea/cli/console.h"
#include "fovea/cli/feature_rows.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "fovea/model/labels.h"

namespace fovea::cli {
namespace {

std::vector<std::string> lines_of(const std::string& file) {
  std::istringstream text(read_text(file));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

}  // namespace

void add_text_flags(Command& command, TextFlags& flags) {
  command
      .add_option("--text-features", flags.features,
                  "Classes of a CLIP or SigLIP model: features of texts, computed\n"
                  "elsewhere, .npy, float32, [texts, channels]")
      ->type_name("FILE");
  command
      .add_option("--classes-file", flags.names,
                  "What to call them: one name a line, as many as texts")
      ->type_name("FILE");
}

TextClasses::TextClasses(const TextFlags& files, const Model& model) {
  if (files.features.empty() || files.names.empty()) {
    fail("--text-features and --classes-file go together; expected both");
  }
  texts_ = read_npy(files.features);
  names_ = lines_of(files.names);
  const Architecture& a = model.architecture();
  const Shape& shape = texts_.shape;
  if (shape.size() != 2 || shape[0] < 1) {
    fail("{}: is {}; expected [texts, channels]", files.features, to_string(shape));
  }
  of_head_ = shape[1] != a.features() && shape[1] == a.classes;
  if (shape[1] != a.features() && !of_head_) {
    fail("{}: has {} channels, the model's features {}; expected the same", files.features,
         shape[1], a.features());
  }
  if (shape[0] != static_cast<int64_t>(names_.size())) {
    fail("{}: names {} classes, {} has {} texts; expected the same", files.names, names_.size(),
         files.features, shape[0]);
  }
  for (int64_t row = 0; row < shape[0]; ++row) {
    const auto text = std::span(texts_.data).subspan(row * shape[1], shape[1]);
    if (const double length = length_of(text); !(length > 0) || !std::isfinite(length)) {
      fail("{}: row {} is zero or not finite; expected features of a text", files.features, row);
    }
    normalize(text);
  }
  scale_ = model.config().text_scale;
  if (scale_.assumed) {
    note(fmt::format(
        "the model's file has no logit_scale: a scale of {:g} and a bias of {:g} are taken",
        scale_.scale, scale_.bias));
  }
}

std::vector<float> TextClasses::logits(const Result& result, int64_t index) const {
  const Array& all = of_head_ ? result.logits : result.features;
  const int64_t channels = texts_.shape[1];
  const auto first = all.data.begin() + index * channels;
  std::vector<float> picture(first, first + channels);
  if (length_of(picture) == 0) std::fill(picture.begin(), picture.end(), NAN);
  normalize(picture);
  std::vector<float> logits;
  for (int64_t text = 0; text < texts_.shape[0]; ++text) {
    const float likeness = dot(picture.data(), texts_.data.data() + text * channels, channels);
    logits.push_back(static_cast<float>(scale_.scale * likeness + scale_.bias));
  }
  return logits;
}

std::vector<double> TextClasses::probabilities(std::span<const float> logits) const {
  return fovea::probabilities(
      logits, scale_.sigmoid ? ProblemType::multi_label : ProblemType::single_label);
}

}  // namespace fovea::cli
