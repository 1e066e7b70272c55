// fovea evaluate, sweep and tune over folders of videos and of sound.
#include <algorithm>

#include "fovea/data/testing.h"
#include "fovea/report/fidelity.h"
#include "tests/cli_media_testing.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CliEvaluateMedia : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_ / name; }
  void put_sound(const std::string& to, double seconds, double rise) const {
    std::filesystem::create_directories((folder_ / to).parent_path());
    write_chirp(folder_ / to, seconds, rise);
  }
  void put_video(const std::string& from, const std::string& to) const {
    std::filesystem::create_directories((folder_ / to).parent_path());
    std::filesystem::copy_file(media(from), folder_ / to);
  }
  // Its JSON line.
  static json evaluate(std::vector<std::string> words) {
    words.insert(words.begin(), "evaluate");
    words.emplace_back("--json");
    const Finished done = run_fovea(words);
    EXPECT_EQ(done.status, 0) << done.err;
    return done.status == 0 ? json_lines_of(done.out).at(0) : json();
  }
  // The class that a model names, and the probabilities of all.
  static json top_of(const std::string& model, std::vector<std::string> words) {
    words.insert(words.begin(), {"classify", model});
    words.insert(words.end(), {"--json", "--top", "1000"});
    const Finished done = run_fovea(words);
    EXPECT_EQ(done.status, 0) << done.err;
    return json_lines_of(done.out).at(0)["top"];
  }
  TemporaryFolder folder_;
};

// Average precision in per cent by its definition, where no two scores are equal.
double average_precision_of(const std::vector<double>& scores, const std::vector<bool>& right) {
  double sum = 0;
  int all = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!right[i]) continue;
    ++all;
    int above = 0, right_above = 0;
    for (size_t k = 0; k < scores.size(); ++k) {
      above += scores[k] >= scores[i] ? 1 : 0;
      right_above += scores[k] >= scores[i] && right[k] ? 1 : 0;
    }
    sum += static_cast<double>(right_above) / above;
  }
  return 100 * sum / all;
}

TEST_F(CliEvaluateMedia, CountsVideosInClassFoldersAndZips) {
  FOVEA_SKIP_WHERE(missing_for_video());
  // The two ends of a video are told apart; the middle decides by one clip.
  const std::vector<std::string> options = {"--clips", "3", "--crops", "3", "--stride", "2"};
  std::vector<std::string> words = options;
  words.insert(words.begin(), media("shapes.mp4"));
  const int answer = top_of(kVideoModel, words)[0]["index"];
  for (int i = 0; i < 7; ++i) put_video("shapes.mp4", "set/" + std::to_string(i) + "/a.mp4");
  put_video("shapes.mp4", "set/" + std::to_string(answer) + "/b.mp4");
  words = options;
  words.insert(words.begin(), {kVideoModel, path("set"), "--r", "20"});
  const json line = evaluate(words);
  EXPECT_EQ(line["images"], 8);
  const std::vector<std::string> dense = {kVideoModel, path("set"), "--clips",  "3",
                                          "--crops",   "3",         "--stride", "2"};
  EXPECT_EQ(evaluate(dense)["top1"], 25.0);
  EXPECT_EQ(evaluate(dense)["top5"], 75.0);
  EXPECT_FALSE(line.contains("map"));
  // What all clips and crops of a video take.
  const json inspected =
      json::parse(run_fovea({"inspect", kVideoModel, "--json", "--r", "20"}).out);
  EXPECT_NEAR(line["gflops_per_image"].get<double>(), 9 * inspected["gflops"].get<double>(), 1e-9);
  EXPECT_EQ(line["tokens_left"], inspected["tokens_per_layer"].back());
  const Finished text = run_fovea({"evaluate", kVideoModel, path("set")});
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.out, testing::StartsWith("videos        8\n"));
  EXPECT_THAT(text.out, HasSubstr(" videos/s\n"));
}

TEST_F(CliEvaluateMedia, CountsSoundInZips) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  std::map<std::string, std::string> entries;
  for (int i = 0; i < 10; ++i) {
    const std::string name = std::to_string(i) + "/a.wav";
    put_sound("set/test/" + name, 1.2 + 0.1 * i, 300 * i);
    entries["test/" + name] = read_text(folder_ / ("set/test/" + name));
  }
  entries["LICENSE.txt"] = "text";
  write_zip(folder_ / "set.zip", entries);
  int right = 0;
  for (int i = 0; i < 10; ++i) {
    const std::string file = path("set/test/" + std::to_string(i) + "/a.wav");
    right += top_of(kSoundModel, {file, "--hop", "0.3"})[0]["index"] == i ? 1 : 0;
  }
  for (const char* set : {"set/test", "set.zip/test"}) {
    const json line = evaluate({kSoundModel, path(set), "--hop", "0.3"});
    EXPECT_EQ(line["images"], 10);
    EXPECT_EQ(line["top1"], 10.0 * right);
  }
  expect_refused(run_fovea({"evaluate", kSoundModel, path("set.zip")}),
                 "splits; expected one of them, such as " + path("set.zip/test"));
  expect_refused(run_fovea({"evaluate", kVideoModel, path("set/test")}), "no .mp4, ");
}

// By features: a file is nearest to itself.
TEST_F(CliEvaluateMedia, GoesByTheNearestSounds) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  for (int i = 0; i < 3; ++i) {
    put_sound("set/" + std::to_string(i) + "/a.wav", 1.5 + 0.2 * i, 500 * i);
  }
  EXPECT_EQ(evaluate({kSoundModel, path("set"), "--train", path("set"), "--knn", "1"})["top1"],
            100.0);
  expect_refused(
      run_fovea({"evaluate", kSoundModel, path("set"), "--train", path("set"), "--knn", "9"}),
      "--knn 9: expected at most the 3 known sounds of --train");
}

TEST_F(CliEvaluateMedia, GivesTheMeanAveragePrecisionOfSeveralLabels) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  const std::vector<std::vector<int>> labels = {{1}, {2, 7}, {1, 2}, {7}, {2}};
  std::string csv = "path,label\n";
  std::vector<std::vector<double>> scores;
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::string name = std::to_string(i) + ".wav";
    put_sound("set/" + name, 0.8 + 0.5 * static_cast<double>(i), 400 * static_cast<double>(i));
    scores.push_back(by_class(top_of(kSoundModel, {path("set/" + name)})));
    std::string joined;
    for (const int label : labels[i]) joined += (joined.empty() ? "" : "|") + std::to_string(label);
    csv += name + "," + joined + "\n";
  }
  write_file(folder_ / "labels.csv", csv);
  double sum = 0;
  for (const int label : {1, 2, 7}) {
    std::vector<double> of_class;
    std::vector<bool> right;
    for (size_t i = 0; i < labels.size(); ++i) {
      of_class.push_back(scores[i][label]);
      right.push_back(std::find(labels[i].begin(), labels[i].end(), label) != labels[i].end());
    }
    sum += average_precision_of(of_class, right);
  }
  const json line =
      evaluate({kSoundModel, path("set"), "--labels", path("labels.csv"), "--classes", "number"});
  EXPECT_EQ(line["images"], 5);
  EXPECT_NEAR(line["map"].get<double>(), sum / 3, 1e-6);
}

TEST_F(CliEvaluateMedia, SkipsWhatIsDamaged) {
  FOVEA_SKIP_WHERE(missing_for_video());
  for (int i = 0; i < 7; ++i) put_video("short.mp4", "set/" + std::to_string(i) + "/a.mp4");
  put_video("truncated.mp4", "set/3/b.mp4");
  const Finished done = run_fovea({"evaluate", kVideoModel, path("set"), "--json"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("skipped: " + path("set/3/b.mp4") + ": broken video: "));
  EXPECT_EQ(json_lines_of(done.out).at(0)["images"], 7);
}

TEST_F(CliEvaluateMedia, SweepsOneInputOfEachFile) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  std::vector<Array> inputs;
  for (int i = 0; i < 4; ++i) {
    const std::string name = "set/" + std::to_string(i) + ".wav";
    put_sound(name, 1.5, 300 * i);
    inputs.push_back(window_of(path(name), 0));
  }
  const std::string csv = path("sweep.csv");
  expect_done(
      run_fovea({"sweep", kSoundModel, path("set"), "--r", "20", "-o", csv, "--passes", "1"}));
  const std::vector<std::string> lines = lines_of(read_text(csv));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].substr(0, 34), "r,images,fidelity,agreement,images");
  EXPECT_THAT(lines[1], testing::StartsWith("0,4,1.000000,1.0000,"));
  const Model model = Model::load(kSoundModel);
  double sum = 0;
  for (const Array& input : inputs) {
    sum += cosine(model.run(input, {.merge = {.schedule = {.r = 20}}}).features.data,
                  model.run(input).features.data);
  }
  EXPECT_THAT(lines[2], testing::StartsWith(fmt::format("20,4,{:.6f},", sum / 4)));
  EXPECT_THAT(read_text(path("sweep.svg")), HasSubstr("sounds per second"));
}

TEST_F(CliEvaluateMedia, TunesOnVideos) {
  FOVEA_SKIP_WHERE(missing_for_video());
  for (const char* name : {"shapes.mp4", "short.mp4", "rotated.mp4", "variable.webm"}) {
    put_video(name, std::string("set/") + name);
  }
  const Finished done = run_fovea({"tune", kVideoModel, path("set"), "--fidelity", "0.5",
                                   "--seconds", "1", "--metric", "k", "-o", path("merge.json")});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("on 2 videos that the search did not see: "));
  EXPECT_THAT(read_text(path("merge.json")), HasSubstr("\"r\""));
}

}  // namespace
}  // namespace fovea
