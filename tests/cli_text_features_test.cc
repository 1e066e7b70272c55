// Zero-shot classes: features of texts beside those of pictures.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "fovea/io/npy.h"
#include "tests/cli_testing.h"
#include "tests/goldens.h"

namespace fovea {
namespace {

using testing::HasSubstr;

// Three texts in the space of a golden's features, and their names.
class CliTextFeatures : public testing::Test {
 protected:
  void write_texts(const std::string& model, int64_t channels) {
    model_ = golden(model).string();
    texts_ = Array({3, channels});
    for (size_t i = 0; i < texts_.data.size(); ++i)
      texts_.data[i] = static_cast<float>((i * 37 % 11)) - 5;
    write_npy(folder_ / "texts.npy", texts_);
    write_file(folder_ / "names.txt", "a cat\na dog\r\na ship\n");
  }
  Finished classify(std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"classify",           model_,
                                      picture("photo.jpg"), "--json",
                                      "--text-features",    folder_ / "texts.npy",
                                      "--classes-file",     folder_ / "names.txt"};
    words.insert(words.end(), more.begin(), more.end());
    return run_fovea(words);
  }
  // By the library, and the plain formula.
  std::vector<double> likenesses(const std::string& model) const {
    const Model loaded = Model::load(golden(model), {.threads = 1});
    const Result result = loaded.run(loaded.preprocess(picture("photo.jpg")));
    std::vector<double> all;
    const int64_t channels = texts_.shape[1];
    for (int64_t text = 0; text < 3; ++text) {
      double product = 0, a = 0, b = 0;
      for (int64_t c = 0; c < channels; ++c) {
        const double x = result.features.data[c];
        const double y = texts_.data[text * channels + c];
        product += x * y;
        a += x * x;
        b += y * y;
      }
      all.push_back(product / std::sqrt(a * b));
    }
    return all;
  }

  TemporaryFolder folder_;
  std::string model_;
  Array texts_;
};

double scalar_of(const std::string& model, const std::string& name) {
  const SafeTensors file = SafeTensors::open(golden(model) / "model.safetensors");
  return to_floats(file.tensors().at(name), file.file_name()).front();
}

TEST_F(CliTextFeatures, OfClipAreASoftmax) {
  write_texts("clip-hf", 40);
  const Finished run = classify();
  ASSERT_EQ(run.status, 0) << run.err;
  const double scale = std::exp(scalar_of("clip-hf", "logit_scale"));
  std::vector<double> expected = likenesses("clip-hf");
  double sum = 0;
  for (double& value : expected) sum += value = std::exp(scale * value);
  const auto line = nlohmann::json::parse(run.out);
  ASSERT_EQ(line["top"].size(), 3U);
  const std::vector<std::string> names = {"a cat", "a dog", "a ship"};
  for (const auto& guess : line["top"]) {
    const int index = guess["index"];
    EXPECT_EQ(guess["label"], names[index]);
    EXPECT_NEAR(guess["probability"], expected[index] / sum, 1e-4);
  }
}

TEST_F(CliTextFeatures, OfSiglipAreSigmoids) {
  write_texts("siglip-hf", 48);
  const Finished run = classify();
  ASSERT_EQ(run.status, 0) << run.err;
  const double scale = std::exp(scalar_of("siglip-hf", "logit_scale"));
  const double bias = scalar_of("siglip-hf", "logit_bias");
  const std::vector<double> likeness = likenesses("siglip-hf");
  const auto line = nlohmann::json::parse(run.out);
  for (const auto& guess : line["top"]) {
    const double logit = scale * likeness[guess["index"].get<int>()] + bias;
    EXPECT_NEAR(guess["probability"], 1 / (1 + std::exp(-logit)), 1e-4);
  }
}

// Ten pictures, the same in each of the folders, which are called by the texts.
TEST_F(CliTextFeatures, AreWhatEvaluateGoesBy) {
  write_texts("clip-hf", 40);
  const std::vector<double> likeness = likenesses("clip-hf");
  const auto best = std::max_element(likeness.begin(), likeness.end()) - likeness.begin();
  const std::vector<std::string> folders = {"A cat", "a_dog", "a ship"};
  for (size_t i = 0; i < folders.size(); ++i) {
    const auto to = folder_ / "set" / folders[i];
    std::filesystem::create_directories(to);
    const int copies = static_cast<int64_t>(i) == best ? 3 : 1;
    for (int copy = 0; copy < copies; ++copy)
      std::filesystem::copy_file(picture("photo.jpg"), to / (std::to_string(copy) + ".jpg"));
  }
  const std::vector<std::string> words = {"evaluate",        model_,
                                          folder_ / "set",   "--json",
                                          "--text-features", folder_ / "texts.npy",
                                          "--classes-file",  folder_ / "names.txt"};
  const Finished run = run_fovea(words);
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("classes by the names of --classes-file"));
  const auto line = nlohmann::json::parse(run.out);
  EXPECT_EQ(line["images"], 5);
  EXPECT_EQ(line["top1"], 60.0);
  EXPECT_EQ(line["top5"], 100.0);
}

TEST_F(CliTextFeatures, AreNoneWhereNeighboursAreTheClasses) {
  write_texts("clip-hf", 40);
  const Finished run = run_fovea({"evaluate", model_, "set", "--train", "set", "--text-features",
                                  folder_ / "texts.npy", "--classes-file", folder_ / "names.txt"});
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.err, HasSubstr("--text-features: does not go with --train"));
}

TEST_F(CliTextFeatures, TellWhatIsAssumed) {
  write_texts("vit", 48);
  EXPECT_THAT(classify().err, HasSubstr("no logit_scale: a scale of 100 and a bias of 0"));
}

TEST_F(CliTextFeatures, AreRefusedInOneLine) {
  write_texts("clip-hf", 17);
  const Finished wide = classify();
  EXPECT_EQ(wide.status, 2);
  EXPECT_THAT(wide.err, HasSubstr("has 17 channels, the model's features 40; expected the same"));
  write_texts("clip-hf", 40);
  write_file(folder_ / "names.txt", "a cat\n");
  EXPECT_THAT(classify().err, HasSubstr("names 1 classes, "));
  const Finished alone = run_fovea(
      {"classify", model_, picture("photo.jpg"), "--text-features", folder_ / "texts.npy"});
  EXPECT_EQ(alone.status, 2);
  EXPECT_THAT(alone.err, HasSubstr("--text-features and --classes-file go together"));
}

}  // namespace
}  // namespace fovea
