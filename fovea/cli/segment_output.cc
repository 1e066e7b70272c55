#include "fovea/cli/segment_output.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <string_view>

#include "fovea/cli/console.h"
#include "fovea/cli/options.h"
#include "fovea/data/encoders.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/report/masks.h"
#include "fovea/segment/label_map.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

void write_bytes(const fs::path& path, const std::string& bytes) {
  write_atomically(path, [&](std::ostream& out) { out << bytes; });
}

RleText parse_rle(const std::string& text) {
  if (text == "counts") return RleText::counts;
  if (text == "compressed") return RleText::compressed;
  fail("--rle {}: expected counts or compressed", printable(text));
}

bool is_list(const std::string& output, bool everything) {
  return everything && output.ends_with(".json");
}

// Two kinds of files in one place would overwrite each other.
void check_differ(const SegmentOutputFlags& flags) {
  std::set<fs::path> places;
  for (const std::string& text : {flags.output, flags.overlay, flags.cutout}) {
    if (text.empty()) continue;
    fs::path place = fs::absolute(text).lexically_normal();
    if (!place.has_filename()) place = place.parent_path();
    if (places.insert(place).second) continue;
    fail("{}: is to be two outputs; expected another file or folder for each", printable(text));
  }
}

// The number that a picture is called by, as COCO's are: 000000000139.jpg.
std::optional<int64_t> number_of(const fs::path& picture) {
  const std::string stem = picture.stem().string();
  int64_t number = 0;
  const char* end = stem.data() + stem.size();
  const auto [stop, error] = std::from_chars(stem.data(), end, number);
  const bool digits =
      std::all_of(stem.begin(), stem.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  if (error != std::errc() || stop != end || !digits) return std::nullopt;
  return number;
}

// Those of their names where these are numbers, each another; else from 1 in their order.
std::vector<int64_t> picture_numbers(const std::vector<fs::path>& pictures) {
  std::vector<int64_t> numbers;
  std::set<int64_t> distinct;
  for (const fs::path& picture : pictures) {
    const std::optional<int64_t> number = number_of(picture);
    if (!number || !distinct.insert(*number).second) break;
    numbers.push_back(*number);
  }
  if (numbers.size() == pictures.size()) return numbers;
  numbers.resize(pictures.size());
  for (size_t i = 0; i < pictures.size(); ++i) numbers[i] = static_cast<int64_t>(i + 1);
  return numbers;
}

// 0 and 255, or the numbers of masks, in as few bits as they take.
std::string encode_labels(const std::vector<uint16_t>& labels, int width, int height, size_t masks,
                          bool numbered, bool wide) {
  if (wide || masks > std::numeric_limits<uint8_t>::max()) {
    return encode_grey_png(std::span<const uint16_t>(labels), width, height);
  }
  std::vector<uint8_t> bytes(labels.size());
  std::transform(labels.begin(), labels.end(), bytes.begin(), [&](uint16_t label) {
    return static_cast<uint8_t>(numbered || label == 0 ? label : 255);
  });
  return encode_grey_png(std::span<const uint8_t>(bytes), width, height);
}

ordered_json mask_json(const Rle& rle, RleText text, float iou) {
  return {{"segmentation", segmentation_json(rle, text)},
          {"bbox", box_json(rle)},
          {"area", area_of(rle)},
          {"predicted_iou", iou}};
}

}  // namespace

struct SegmentOutput::Annotations {
  std::vector<fs::path> pictures;
  std::vector<int64_t> numbers;  // of the pictures
  ordered_json list = ordered_json::array();

  void add(const fs::path& picture, const std::vector<FoundMask>& found) {
    const auto place = std::find(pictures.begin(), pictures.end(), picture) - pictures.begin();
    for (const FoundMask& mask : found) {
      list.push_back({{"image_id", numbers.at(place)},
                      {"file_name", picture.filename().string()},
                      {"category_id", 1},
                      {"segmentation", segmentation_json(mask.rle, RleText::compressed)},
                      {"bbox", box_json(mask.rle)},
                      {"area", area_of(mask.rle)},
                      {"score", mask.iou},
                      {"stability_score", mask.stability}});
    }
  }
};

void add_segment_output_flags(Command& command, SegmentOutputFlags& flags) {
  command
      .add_option("-o,--output", flags.output,
                  "Mask to write, .png: 0 and 255; of several prompts their\n"
                  "numbers, 1, 2, ..., larger masks below. Of several pictures a\n"
                  "folder. With --everything .json (a list that COCO's tools load),\n"
                  "or .png (numbers of 16 bits)")
      ->type_name("FILE");
  command
      .add_option("--overlay", flags.overlay,
                  "Picture to write, .png or a folder: masks in colours over it,\n"
                  "with outlines")
      ->type_name("FILE");
  command
      .add_option("--cutout", flags.cutout,
                  "Picture to write, .png or a folder: what is in the masks;\n"
                  "transparent elsewhere")
      ->type_name("FILE");
  command.add_flag("--json", flags.json,
                   "Print one JSON object a line: file, masks: [{prompt,\n"
                   "segmentation: {size, counts}, bbox, area, predicted_iou}]");
  command
      .add_option("--rle", flags.rle,
                  "counts of --json: numbers, column by column, zeros first\n"
                  "(counts), or COCO's string (compressed) (default counts)")
      ->type_name("counts|compressed");
  command
      .add_option("--save-embedding", flags.save_embedding,
                  "Keep the encoded picture, .safetensors, or a folder for those of\n"
                  "several: --embedding asks it again")
      ->type_name("FILE");
}

SegmentOutput::SegmentOutput(const SegmentOutputFlags& flags, bool everything,
                             const std::string& model, const std::vector<fs::path>& pictures)
    : rle_(parse_rle(flags.rle)),
      json_(flags.json),
      everything_(everything),
      masks_("--output", is_list(flags.output, everything) ? "" : flags.output, ".png", pictures,
             model),
      overlay_("--overlay", flags.overlay, ".png", pictures, model),
      cutout_("--cutout", flags.cutout, ".png", pictures, model),
      embedding_("--save-embedding", flags.save_embedding, ".safetensors", pictures, model) {
  check_differ(flags);
  if (is_list(flags.output, everything)) {
    list_ = flags.output;
    check_can_write(list_, model);
    annotations_ = std::make_unique<Annotations>();
    annotations_->pictures = pictures;
    annotations_->numbers = picture_numbers(pictures);
  }
  if (!wants_masks() && !embedding_.wanted()) {
    fail(
        "nothing is to be written; expected --output, --overlay, --cutout, --json or "
        "--save-embedding");
  }
}

SegmentOutput::~SegmentOutput() = default;

bool SegmentOutput::wants_masks() const {
  return json_ || !list_.empty() || masks_.wanted() || needs_pixels();
}

void SegmentOutput::write_embedding(const fs::path& picture, const EncodedPicture& encoded) {
  if (embedding_.wanted()) encoded.save(embedding_.of(picture));
}

void SegmentOutput::write(const SegmentedPicture& picture, const std::vector<AskedPrompt>& prompts,
                          const std::vector<PromptMasks>& answers) {
  std::vector<Rle> best;
  for (const PromptMasks& answer : answers) best.push_back(answer.masks[answer.best()]);
  draw(picture, best, answers.size() > 1);
  if (!json_) return;
  ordered_json line = {{"file", picture.path.string()}, {"masks", ordered_json::array()}};
  for (size_t i = 0; i < answers.size(); ++i) {
    ordered_json prompt = prompts[i].number;
    if (!prompts[i].prompt.name.empty()) prompt = prompts[i].prompt.name;
    for (size_t m = 0; m < answers[i].masks.size(); ++m) {
      ordered_json mask = {{"prompt", prompt}};
      mask.update(mask_json(answers[i].masks[m], rle_, answers[i].iou[m]));
      line["masks"].push_back(std::move(mask));
    }
  }
  print_json_line(line);
}

void SegmentOutput::write(const SegmentedPicture& picture, const std::vector<FoundMask>& found) {
  std::vector<Rle> masks;
  for (const FoundMask& mask : found) masks.push_back(mask.rle);
  draw(picture, masks, true);
  if (annotations_) annotations_->add(picture.path, found);
  if (!json_) return;
  ordered_json line = {{"file", picture.path.string()}, {"masks", ordered_json::array()}};
  for (const FoundMask& mask : found) {
    ordered_json json = mask_json(mask.rle, rle_, mask.iou);
    json["stability_score"] = mask.stability;
    line["masks"].push_back(std::move(json));
  }
  print_json_line(line);
}

void SegmentOutput::draw(const SegmentedPicture& picture, const std::vector<Rle>& masks,
                         bool numbered) {
  if (!masks_.wanted() && !needs_pixels()) return;
  const std::vector<uint16_t> labels = label_map(masks, picture.height, picture.width);
  if (masks_.wanted()) {
    write_bytes(masks_.of(picture.path), encode_labels(labels, picture.width, picture.height,
                                                       masks.size(), numbered, everything_));
  }
  if (overlay_.wanted()) {
    write_bytes(overlay_.of(picture.path), encode_png(draw_masks(*picture.image, labels)));
  }
  if (cutout_.wanted()) {
    const CutOut cut = cut_out(*picture.image, labels);
    write_bytes(cutout_.of(picture.path), encode_png(cut.image, cut.alpha));
  }
}

void SegmentOutput::finish() const {
  if (!annotations_) return;
  // Names of files need not be UTF-8, JSON must.
  const std::string text =
      annotations_->list.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  write_bytes(list_, text + "\n");
}

}  // namespace fovea::cli
