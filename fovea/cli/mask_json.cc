#include "fovea/cli/mask_json.h"

#include <nlohmann/json.hpp>

namespace fovea::cli {

using nlohmann::ordered_json;

ordered_json segmentation_json(const Rle& rle, RleText text) {
  ordered_json json = {{"size", {rle.height, rle.width}}};
  if (text == RleText::counts) {
    json["counts"] = rle.counts;
  } else {
    json["counts"] = compressed_counts(rle);
  }
  return json;
}

ordered_json box_json(const Rle& rle) {
  ordered_json json = ordered_json::array();
  for (const int number : box_of(rle)) json.push_back(static_cast<double>(number));
  return json;
}

}  // namespace fovea::cli
