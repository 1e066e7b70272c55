// What configs beside a model say of how pictures become inputs, from outside.
#include <fstream>
#include <string>
#include <vector>

#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;

class CliPreprocessing : public testing::Test {
 protected:
  CliPreprocessing() { std::filesystem::copy(golden_path("vit"), vit_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(vit_ / name) << text;
  }
  Finished embed(const std::vector<std::string>& pictures) const {
    std::vector<std::string> arguments = {"embed", vit_.string(), "-o", output_};
    arguments.insert(arguments.end(), pictures.begin(), pictures.end());
    return run_fovea(arguments);
  }
  // The features of a picture by the keys of a preprocessor_config.json.
  std::vector<float> features(const std::string& keys) const {
    write("preprocessor_config.json", keys);
    expect_done(embed({picture("photo.jpg")}));
    return read_npy(output_).data;
  }

  TemporaryFolder folder_;
  const std::filesystem::path vit_ = folder_ / "vit";
  const std::string output_ = folder_ / "out.npy";
};

TEST_F(CliPreprocessing, ObeysTheKeysThatChangeValues) {
  const std::string size = R"("size": 48, "image_mean": 0, "image_std": )";
  const std::vector<float> usual = features("{" + size + R"(1})");
  EXPECT_NE(features("{" + size + R"(1, "rescale_factor": 0.0078431372549})"), usual);
  // Twice the values over twice the deviation.
  const std::vector<float> same =
      features("{" + size + R"(2, "rescale_factor": 0.00784313725490196})");
  for (size_t i = 0; i < usual.size(); ++i) EXPECT_NEAR(same[i], usual[i], 1e-4);
}

TEST_F(CliPreprocessing, LeavesOutPicturesThatMayNotBeResizedAndDoNotFit) {
  write("preprocessor_config.json", R"({"do_resize": false})");
  const Finished done = embed({picture("photo.jpg")});
  expect_refused(done, "expected 48 x 48, as the model's config wants pictures not resized");
  EXPECT_THAT(done.err, HasSubstr("photo.jpg: "));
}

TEST_F(CliPreprocessing, RefusesByName) {
  write("preprocessor_config.json", R"({"size": 48, "do_pad": true})");
  expect_refused(embed({picture("photo.jpg")}),
                 "preprocessor_config.json: do_pad is true; expected false; it is not supported");
}

TEST_F(CliPreprocessing, ConvertedModelsSeeTheSame) {
  const std::vector<float> before = features(
      R"({"size": {"shortest_edge": 55}, "crop_size": 48, "do_center_crop": true, "rescale_factor": 0.00784313725490196})");
  const std::string converted = folder_ / "converted";
  expect_done(run_fovea({"convert", vit_, "-o", converted}));
  expect_done(run_fovea({"embed", converted, picture("photo.jpg"), "-o", output_}));
  EXPECT_EQ(read_npy(output_).data, before);
}

TEST_F(CliPreprocessing, SaysWhatIsAssumedWithoutAConfig) {
  std::filesystem::remove(vit_ / "config.json");
  for (const char* command : {"classify", "embed"}) {
    std::vector<std::string> arguments = {command, vit_, picture("photo.jpg"), "--num-heads", "4"};
    if (command == std::string("embed")) arguments.insert(arguments.end(), {"-o", output_});
    const Finished done = run_fovea(arguments);
    EXPECT_EQ(done.status, 0);
    EXPECT_EQ(
        done.err,
        "note: no config beside the model says how pictures become inputs: 48 x 48 pixels, "
        "bicubic, crop 0.9, ImageNet's mean 0.485 0.456 0.406 and deviation 0.229 0.224 0.225 "
        "are taken\n");
  }
  // Arrays are normalised already.
  expect_done(run_fovea({"forward", vit_, "--input", golden_path("vit") + "/input.npy",
                         "--num-heads", "4", "-o", folder_ / "out.safetensors"}));
  write("preprocessor_config.json", R"({"size": 48})");
  expect_done(run_fovea({"embed", vit_, picture("photo.jpg"), "--num-heads", "4", "-o", output_}));
}

}  // namespace
}  // namespace fovea
