// What the tests of `fovea segment` share: the golden model and picture, and masks read back.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fovea/segment/rle.h"
#include "tests/cli_testing.h"

namespace fovea {

inline const std::filesystem::path kSam = test_data() / "goldens-sam";
inline constexpr int kWidth = 150;  // of the golden's picture
inline constexpr int kHeight = 100;

inline std::string sam_model(const std::string& name = "sam-picture") {
  return (kSam / name).string();
}
inline std::string golden_picture() { return (kSam / "sam-picture" / "picture.png").string(); }

inline Rle rle_of(const nlohmann::json& segmentation) {
  const int height = segmentation.at("size").at(0);
  const int width = segmentation.at("size").at(1);
  const nlohmann::json& counts = segmentation.at("counts");
  return counts.is_string() ? rle_of_compressed(counts.get<std::string>(), height, width)
                            : rle_of_counts(counts.get<std::vector<uint32_t>>(), height, width);
}

class CliSegment : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  static Finished segment(const std::vector<std::string>& options,
                          const std::string& of = golden_picture()) {
    std::vector<std::string> arguments = {"segment", sam_model(), of};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run_fovea(arguments);
  }

  // The masks of the one line that was printed.
  static std::vector<nlohmann::json> masks_of(const Finished& finished) {
    EXPECT_EQ(finished.status, 0) << finished.err;
    const std::vector<nlohmann::json> lines = json_lines_of(finished.out);
    if (lines.size() != 1) {
      ADD_FAILURE() << lines.size() << " lines";
      return {};
    }
    return lines[0].at("masks").get<std::vector<nlohmann::json>>();
  }

  TemporaryFolder folder_;
};

}  // namespace fovea
