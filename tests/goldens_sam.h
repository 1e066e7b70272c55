// The golden cases of Segment Anything: small models, prompts, and what the reference answers.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/io/array.h"
#include "fovea/io/file.h"
#include "fovea/io/safetensors.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/config.h"
#include "fovea/segment/answer.h"
#include "fovea/segment/decoder_shape.h"
#include "fovea/segment/prompt.h"
#include "tests/paths.h"

namespace fovea {

inline const std::vector<std::string> kSamGoldens = {"sam", "sam-padded-window", "sam-picture",
                                                     "sam-transformers-names"};

struct SamGolden {
  Grid cells;                   // of the embedding
  Array embedding;              // its rows, [h w, C]
  std::vector<Prompt> prompts;  // points and boxes in pixels of the input
  std::vector<Answer> answers;  // what the reference makes of each
};

inline std::filesystem::path sam_golden(const std::string& name) {
  return test_data() / "goldens-sam" / name;
}

// config.json as a loader of the decoder reads it.
inline Config sam_config(const std::string& name) {
  const std::filesystem::path path = sam_golden(name) / "config.json";
  return std::filesystem::exists(path) ? parse_config(read_text(path), path.string()) : Config{};
}

inline DecoderShape sam_shape(const std::string& name) {
  return infer_decoder(Checkpoint::open(sam_golden(name)), sam_config(name));
}

namespace detail {

// A tensor, by either of the names that cases give it.
inline Array read_either(const SafeTensors& file, const std::string& name,
                         const std::string& other) {
  const auto found = file.tensors().find(name);
  const TensorView& tensor =
      found == file.tensors().end() ? file.tensors().at(other) : found->second;
  return {tensor.shape, to_floats(tensor, file.file_name())};
}

// The last `rank` extents: those before are 1.
inline Array last_extents(Array array, size_t rank) {
  array.shape.erase(array.shape.begin(), array.shape.end() - static_cast<int64_t>(rank));
  return array;
}

// [.., C, h, w] as rows [h w, C].
inline Array channels_last(const Array& planes) {
  const size_t rank = planes.shape.size();
  const int64_t channels = planes.shape[rank - 3];
  const int64_t cells = planes.shape[rank - 2] * planes.shape[rank - 1];
  Array rows({cells, channels});
  for (int64_t i = 0; i < cells * channels; ++i) {
    rows.data[i] = planes.data[i % channels * cells + i / channels];
  }
  return rows;
}

}  // namespace detail

// The prompts of a case under their names: "point", "points", "box", "both", "mask", "refine".
inline SamGolden read_sam_golden(const std::string& name) {
  const SafeTensors want = SafeTensors::open(sam_golden(name) / "expect.safetensors");
  const auto json = nlohmann::json::parse(read_text(sam_golden(name) / "case.json"));
  SamGolden golden;
  const Array embedding = detail::read_either(want, "embedding", "image_embeddings");
  golden.embedding = detail::channels_last(embedding);
  golden.cells = {static_cast<int>(embedding.shape[2]), static_cast<int>(embedding.shape[3])};
  // Pictures become 128 x 85 pixels.
  const bool is_picture = json.contains("picture");
  const float across = is_picture ? 128.0F / 150 : 1;
  const float down = is_picture ? 85.0F / 100 : 1;
  std::vector<std::array<float, 2>> points;
  for (const auto& [x, y] : json.at("points").get<std::vector<std::array<float, 2>>>()) {
    points.push_back({x * across, y * down});
  }
  const auto labels = json.at("labels").get<std::vector<int>>();
  const auto [x0, y0, x1, y1] = json.at("box").get<std::array<float, 4>>();
  const std::array<float, 4> box = {x0 * across, y0 * down, x1 * across, y1 * down};
  const std::string kinds[] = {"point", "points", "box", "both", "mask", "refine"};
  for (const std::string& kind : kinds) {
    const std::string masks = kind + ".low_res_masks";
    const std::string pred_masks = kind + ".pred_masks";
    if (!want.tensors().contains(masks) && !want.tensors().contains(pred_masks)) continue;
    Prompt prompt;
    prompt.name = kind;
    prompt.multimask = kind != "refine";
    if (kind == "point") {
      prompt.points = {points[0]};
      prompt.labels = {labels[0]};
    } else if (kind != "box" && kind != "mask") {
      prompt.points = points;
      prompt.labels = labels;
    }
    if (kind == "box" || kind == "both") prompt.box = box;
    if (kind == "mask" || kind == "refine") {
      prompt.mask = is_picture ? detail::read_either(want, "both.low_res_masks", "")
                               : detail::read_either(want, "mask_input", "");
      prompt.mask = detail::last_extents(std::move(prompt.mask), 3);
      prompt.mask.data.resize(prompt.mask.shape[1] * prompt.mask.shape[2]);  // of three the first
      prompt.mask.shape[0] = 1;
    }
    golden.prompts.push_back(std::move(prompt));
    golden.answers.push_back({detail::last_extents(detail::read_either(want, masks, pred_masks), 3),
                              detail::read_either(want, kind + ".iou", kind + ".iou_scores").data});
  }
  return golden;
}

}  // namespace fovea
