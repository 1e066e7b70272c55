// fovea classify of videos and sound: what clips, crops and windows say together.
#include "tests/cli_media_testing.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CliClassifyMedia : public testing::Test {
 protected:
  static Finished classify(const std::string& model, const std::vector<std::string>& words) {
    std::vector<std::string> command = {"classify", model, "--top", "1000"};
    command.insert(command.end(), words.begin(), words.end());
    return run_fovea(command);
  }
  static json json_of(const std::string& model, std::vector<std::string> words) {
    words.emplace_back("--json");
    const Finished done = classify(model, words);
    expect_done(done);
    return json_lines_of(done.out).at(0);
  }
  TemporaryFolder folder_;
  const std::string shapes_ = media("shapes.mp4");
};

TEST_F(CliClassifyMedia, AveragesTheLogitsOfClipsAndCrops) {
  FOVEA_SKIP_WHERE(missing_for_video());
  struct Case {
    std::vector<std::string> words;
    std::vector<int64_t> firsts;
    std::vector<int> lefts;
  };
  const std::vector<Case> cases = {
      {{}, {16}, {10}},
      {{"--clips", "3"}, {0, 16, 33}, {10}},
      {{"--crops", "3"}, {16}, {0, 10, 21}},
      {{"--clips", "2", "--crops", "3", "--batch", "4"}, {0, 33}, {0, 10, 21}},
  };
  for (const Case& some : cases) {
    std::vector<Array> inputs;
    for (const int64_t first : some.firsts) {
      for (const int left : some.lefts) inputs.push_back(clip_of_shapes(first, left));
    }
    std::vector<std::string> words = {shapes_, "--stride", "2"};
    words.insert(words.end(), some.words.begin(), some.words.end());
    const json line = json_of(kVideoModel, words);
    EXPECT_EQ(line["file"], shapes_);
    expect_near(by_class(line["top"]), softmax_of(mean_of(logits_of(kVideoModel, inputs))), 1e-6);
  }
}

TEST_F(CliClassifyMedia, AveragesTheProbabilitiesOfWindows) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  const std::string file = folder_ / "chirp.wav";
  write_chirp(file, 2.4);  // 238 frames, windows of 96
  for (const auto& [hop, firsts] :
       {std::pair("", std::vector<size_t>{0, 96, 192}), {"0.5", {0, 50, 100, 150}}}) {
    std::vector<Array> inputs;
    for (const size_t first : firsts) inputs.push_back(window_of(file, first));
    std::vector<std::vector<double>> shares;
    for (const std::vector<float>& logits : logits_of(kSoundModel, inputs)) {
      shares.push_back(softmax_of(logits));
    }
    std::vector<std::string> words = {file, "--windows"};
    if (*hop != 0) words.insert(words.end(), {"--hop", hop});
    const json line = json_of(kSoundModel, words);
    expect_near(by_class(line["top"]), mean_of(shares), 1e-6);
    ASSERT_EQ(line["windows"].size(), firsts.size());
    for (size_t i = 0; i < firsts.size(); ++i) {
      const json& window = line["windows"][i];
      const double start = 0.01 * static_cast<double>(firsts[i]);
      EXPECT_NEAR(window["start"].get<double>(), start, 1e-9);
      // The last whole frame's end; the sound's are 238.
      const auto last = static_cast<double>(std::min<size_t>(firsts[i] + 96, 238)) - 1;
      EXPECT_NEAR(window["end"].get<double>(), 0.01 * last + 0.025, 1e-9);
      expect_near(by_class(window["top"]), shares[i], 1e-6);
    }
    EXPECT_FALSE(json_of(kSoundModel, {file}).contains("windows"));
  }
  const Finished text = run_fovea({"classify", kSoundModel, file, "--windows", "--top", "1"});
  expect_done(text);
  const std::vector<std::string> lines = lines_of(text.out);
  ASSERT_EQ(lines.size(), 8U) << text.out;
  EXPECT_EQ(lines[0], file);
  EXPECT_THAT(lines[1], HasSubstr(" %  LABEL_"));
  EXPECT_THAT(lines[4], testing::StartsWith("  0.96 - 1.9"));
}

// Copies a model with these keys in its config.
std::string with_keys(const std::string& model, const std::filesystem::path& to, const json& keys) {
  std::filesystem::copy(model, to);
  json config = json::parse(read_text(to / "config.json"));
  config.update(keys);
  write_file(to / "config.json", config.dump());
  return to;
}

TEST_F(CliClassifyMedia, ManyLabelsHaveSigmoids) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  const std::string file = folder_ / "chirp.wav";
  write_chirp(file, 1.5);
  std::vector<std::vector<double>> shares;
  for (const std::vector<float>& logits :
       logits_of(kSoundModel, {window_of(file, 0), window_of(file, 96)})) {
    std::vector<double>& row = shares.emplace_back();
    for (const float logit : logits) row.push_back(1 / (1 + std::exp(-double{logit})));
  }
  const std::string model =
      with_keys(kSoundModel, folder_ / "many", {{"problem_type", "multi_label_classification"}});
  expect_near(by_class(json_of(model, {file})["top"]), mean_of(shares), 1e-6);
}

// The 527 classes of AudioSet don't exclude each other, though AudioMAE's files don't say so.
TEST_F(CliClassifyMedia, KnowsAudioSetByItsClasses) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  const std::string file = folder_ / "chirp.wav";
  write_chirp(file, 1);
  const auto sum_of = [&](const std::string& model) {
    const Finished done = classify(model, {file, "--json"});
    EXPECT_EQ(done.status, 0);
    const std::vector<double> all = by_class(json_lines_of(done.out).at(0)["top"]);
    EXPECT_EQ(all.size(), 527U);
    return std::accumulate(all.begin(), all.end(), 0.0);
  };
  const std::string model = folder_ / "model";
  std::filesystem::copy(test_data() / "goldens-audio" / "audiomae", model);
  const SafeTensors golden = SafeTensors::open(model + "/model.safetensors");
  std::vector<TensorToWrite> tensors;
  const int64_t width = golden.tensors().at("head.weight").shape[1];
  const Array weight({527, width});
  const Array bias({527});
  for (const auto& [name, tensor] : golden.tensors()) {
    if (name.starts_with("head.")) continue;
    tensors.push_back({name, tensor.dtype, tensor.shape, tensor.bytes});
  }
  tensors.push_back(to_write("head.weight", weight));
  tensors.push_back(to_write("head.bias", bias));
  write_safetensors(folder_ / "new.safetensors", tensors);
  std::filesystem::rename(folder_ / "new.safetensors", model + "/model.safetensors");
  json config = json::parse(read_text(model + "/config.json"));
  config["num_classes"] = 527;
  write_file(model + "/config.json", config.dump());
  EXPECT_NEAR(sum_of(model), 527 * 0.5, 1e-6);
}

TEST_F(CliClassifyMedia, SkipsWhatIsDamaged) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const Finished done = classify(kVideoModel, {media("truncated.mp4"), media("short.mp4"),
                                               media("audio-only.mp4"), "--clips", "2", "--json"});
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(lines_of(done.err).size(), 2U) << done.err;
  EXPECT_THAT(done.err, HasSubstr("skipped: " + media("truncated.mp4").string()));
  EXPECT_THAT(done.err, HasSubstr("audio-only.mp4: holds no video"));
  const std::vector<json> lines = json_lines_of(done.out);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["file"], media("short.mp4").string());
}

// A sound that breaks behind its first windows says nothing.
TEST_F(CliClassifyMedia, SkipsSoundThatBreaksLate) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  std::vector<float> samples(16'000 * 5, 0.25F);
  samples[16'000 * 4] = std::nanf("");
  write_wav(folder_ / "a.wav", 16'000, 1, samples);
  write_chirp(folder_ / "b.wav", 2.4);
  const std::string broken = folder_ / "a.wav";
  const std::string whole = folder_ / "b.wav";
  for (const char* batch : {"1", "2", "100"}) {
    const Finished done = classify(kSoundModel, {broken, whole, "--json", "--batch", batch});
    EXPECT_EQ(done.status, 1);
    EXPECT_EQ(done.err, "fovea: skipped: " + broken +
                            ": sample 64000 is nan; expected numbers, most of them from -1 to 1\n");
    const std::vector<json> lines = json_lines_of(done.out);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0], json_of(kSoundModel, {whole}));
  }
}

TEST_F(CliClassifyMedia, RefusesOptionsOfOtherMedia) {
  const std::string photo = picture("photo.jpg");
  const auto refused = [&](const std::string& model, const std::vector<std::string>& options,
                           const std::string& fragment) {
    std::vector<std::string> words = {model == kSoundModel   ? media("sweep-16k.wav").string()
                                      : model == kVideoModel ? shapes_
                                                             : photo};
    words.insert(words.end(), options.begin(), options.end());
    expect_refused(classify(model, words), fragment);
  };
  refused(kVideoModel, {"--clips", "0"}, "--clips 0: expected a whole number from 1");
  refused(kVideoModel, {"--crops", "2"}, "--crops 2: expected 1 or 3");
  refused(kVideoModel, {"--hop", "1"}, "--hop 1: " + kVideoModel + " is no model of sound");
  refused(kVideoModel, {"--windows"}, "--windows: " + kVideoModel + " is no model of sound");
  refused(kSoundModel, {"--clips", "2"}, "--clips 2: " + kSoundModel + " is no model of videos");
  refused(kSoundModel, {"--crops", "3"}, "is no model of videos");
  refused(kSoundModel, {"--hop", "0"}, "--hop 0: expected ");
  refused(golden_path("vit"), {"--clips", "2"}, "is no model of videos");
  refused(golden_path("vit"), {"--windows"}, "is no model of sound");
}

}  // namespace
}  // namespace fovea
