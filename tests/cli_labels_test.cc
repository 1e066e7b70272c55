// Class folders and files of labels, and what models call their classes, from outside.
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fovea/data/testing.h"
#include "fovea/io/file.h"
#include "fovea/model/labels.h"
#include "fovea/report/average_precision.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

class CliLabels : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void put(const std::string& to, const std::string& from = "gray.png") const {
    std::filesystem::create_directories((folder_ / to).parent_path());
    std::filesystem::copy_file(picture(from), folder_ / to);
  }
  // A model that gives these logits for every picture, with these keys in its config.
  std::string constant_model(const std::vector<float>& logits, json keys = json::object()) const {
    const auto classes = static_cast<int64_t>(logits.size());
    const Array weight({classes, 48});
    const Array bias({classes}, logits);
    const std::string name = path("model" + std::to_string(folder_.count()));
    write_changed_model(name, [&](std::vector<TensorToWrite>& tensors) {
      std::erase_if(tensors, [](const TensorToWrite& t) { return t.name.starts_with("head."); });
      tensors.push_back(to_write("head.weight", weight));
      tensors.push_back(to_write("head.bias", bias));
    });
    set_keys(name, std::move(keys), static_cast<int>(classes));
    return name;
  }
  static void set_keys(const std::string& model, json keys, int classes) {
    const std::string file = model + "/config.json";
    json config = json::parse(read_text(file));
    config.erase("label_names");
    config["num_classes"] = classes;
    config.update(keys);
    write_file(file, config.dump());
  }
  // The same of which one class of `classes` is the answer.
  std::string always(int answer, int classes, json keys = json::object()) const {
    std::vector<float> logits(classes);
    logits[answer] = 5;
    return constant_model(logits, std::move(keys));
  }
  // Its JSON line; what it said in `said`.
  json evaluate(std::vector<std::string> arguments, std::string* said = nullptr) const {
    arguments.insert(arguments.begin(), "evaluate");
    arguments.emplace_back("--json");
    const Finished done = run_fovea(arguments);
    EXPECT_EQ(done.status, 0) << done.err;
    if (said != nullptr) *said = done.err;
    return done.status == 0 ? json_lines_of(done.out).at(0) : json();
  }

  TemporaryFolder folder_;
  const std::string set_ = path("set");
};

TEST_F(CliLabels, ClassesThatDontExcludeEachOtherHaveSigmoids) {
  const std::vector<float> logits = {1, -2, 0.5F};
  const json labels = {{"0", "cat"}, {"1", "dog"}, {"2", "frog"}};
  const std::string model = constant_model(
      logits, {{"id2label", labels}, {"problem_type", "multi_label_classification"}});
  const Finished done = run_fovea({"classify", model, picture("gray.png"), "--json"});
  expect_done(done);
  const json top = json_lines_of(done.out).at(0).at("top");
  ASSERT_EQ(top.size(), 3U);
  const std::vector<std::string> names = {"cat", "frog", "dog"};
  const std::vector<int> order = {0, 2, 1};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(top[i]["label"], names[i]);
    EXPECT_EQ(top[i]["index"], order[i]);
    EXPECT_NEAR(top[i]["probability"], 1 / (1 + std::exp(-logits[order[i]])), 1e-6);
  }
  EXPECT_THAT(run_fovea({"classify", model, picture("gray.png")}).out, HasSubstr("73.11 %  cat\n"));
  // Which stays so in another file of the same model.
  expect_done(run_fovea({"convert", model, "-o", path("converted")}));
  EXPECT_EQ(run_fovea({"classify", path("converted"), picture("gray.png"), "--json"}).out,
            done.out);
  expect_refused(run_fovea({"classify", constant_model(logits, {{"problem_type", "regression"}}),
                            picture("gray.png")}),
                 "problem_type is regression");
}

TEST_F(CliLabels, DescriptionsAreShown) {
  const std::string model =
      always(1, 2,
             {{"label_names", {"n01440764", "n02102040"}},
              {"label_descriptions", {{"n01440764", "a fish"}, {"n02102040", "a springer"}}}});
  const Finished done = run_fovea({"classify", model, picture("gray.png"), "--top", "1"});
  expect_done(done);
  EXPECT_THAT(done.out, HasSubstr("a springer\n"));
  expect_done(run_fovea({"convert", model, "-o", path("converted")}));
  EXPECT_EQ(run_fovea({"classify", path("converted"), picture("gray.png"), "--top", "1"}).out,
            done.out);
  // Folders by either name.
  put("set/n02102040/1.png");
  put("set/a fish/1.png");
  EXPECT_EQ(evaluate({model, set_})["top1"], 50.0);
}

TEST_F(CliLabels, AThousandUnnamedClassesAreImageNets) {
  const std::string model = always(340, 1000);
  const Finished done = run_fovea({"classify", model, picture("gray.png"), "--top", "1"});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(
      done.err,
      "note: nothing names the 1000 classes: they are taken to be ImageNet's, in the order of "
      "timm and torchvision\n");
  EXPECT_THAT(done.out, HasSubstr("zebra\n"));
  // A few of its synsets, or names.
  put("set/n02391049/1.png");
  put("set/n02391049/2.png");
  put("set/n01440764/1.png");
  std::string said;
  EXPECT_NEAR(evaluate({model, set_}, &said)["top1"].get<double>(), 200.0 / 3, 1e-9);
  EXPECT_THAT(said, HasSubstr("taken to be ImageNet's"));
  put("named/zebra/1.png");
  put("named/great_white_shark/1.png");
  EXPECT_EQ(evaluate({model, path("named")})["top1"], 50.0);
  // And where the config has ImageNet's names.
  std::vector<std::string> names = class_names(Config(), 1000).names;
  for (std::string& name : names) name = names_in(name).front();
  const std::string named = always(340, 1000, {{"label_names", names}});
  EXPECT_NEAR(evaluate({named, set_}, &said)["top1"].get<double>(), 200.0 / 3, 1e-9);
  EXPECT_EQ(said, "note: classes by the labels of config.json\n");
}

TEST_F(CliLabels, NumberedFoldersAreClassesByTheirNumbers) {
  for (int i = 0; i < 12; ++i) {
    for (int copy = 0; copy < (i == 10 ? 5 : 1); ++copy) {
      put("set/" + std::to_string(i) + "/" + std::to_string(copy) + ".png");
    }
  }
  const std::string model = always(10, 12);
  std::string said;
  EXPECT_EQ(evaluate({model, set_}, &said)["top1"], 31.25);
  EXPECT_THAT(said, HasSubstr("classes by number: folder 9 is class 9"));
  EXPECT_EQ(evaluate({model, set_, "--classes", "number"})["top1"], 31.25);
  EXPECT_EQ(evaluate({model, set_, "--classes", "order"}, &said)["top1"], 6.25);
  EXPECT_THAT(said, HasSubstr("sorted order of the folders; 10 is class 2"));
  expect_refused(run_fovea({"evaluate", model, set_, "--classes", "name"}),
                 "class folder 0: none of the model's 0 labels");
  expect_refused(run_fovea({"evaluate", model, set_, "--classes", "size"}),
                 "--classes size: expected name, number or order");
  expect_refused(run_fovea({"evaluate", model, set_, "--classes", "name", "--train", set_}),
                 "--classes name: does not go with --train");
}

TEST_F(CliLabels, FoldersThatDifferInCaseAreClassesOfTheirOwn) {
  for (const char* name : {"A", "B", "a", "b"}) put(std::string("set/") + name + "/1.png");
  const json labels = {"a", "A", "b", "B"};
  for (int answer = 0; answer < 4; ++answer) {
    std::string said;
    EXPECT_EQ(evaluate({always(answer, 4, {{"label_names", labels}}), set_}, &said)["top1"], 25.0);
    EXPECT_THAT(said, HasSubstr("by the labels of config.json"));
  }
}

TEST_F(CliLabels, EmptyFoldersCountWhereTheyAreAllowed) {
  put("set/a/1.png");
  put("set/c/1.png");
  std::filesystem::create_directory(folder_ / "set" / "b");
  const std::string model = always(2, 3);
  expect_refused(run_fovea({"evaluate", model, set_}), "set/b: no .jpg, .jpeg, .png");
  // By order, in which the empty one has its place.
  EXPECT_EQ(evaluate({model, set_, "--allow-empty"})["top1"], 50.0);
  write_zip(folder_ / "set.zip", {{"a/1.png", read_text(picture("gray.png"))},
                                  {"b/", ""},
                                  {"c/1.png", read_text(picture("gray.png"))}});
  expect_refused(run_fovea({"evaluate", model, path("set.zip")}), "no .jpg, .jpeg, .png");
  EXPECT_EQ(evaluate({model, path("set.zip"), "--allow-empty"})["top1"], 50.0);
  // No neighbour is of the last class.
  write_file(folder_ / "set" / "notes.txt", "text");
  std::filesystem::remove(folder_ / "set" / "c" / "1.png");
  put("test/a/1.png");
  put("test/b/1.png");
  put("test/c/1.png");
  std::string said;
  const json line = evaluate({model, path("test"), "--train", set_, "--allow-empty"}, &said);
  EXPECT_EQ(said, "note: left out of --train: 1 file of other kinds: 1 .txt\n");
  EXPECT_NEAR(line["top1"].get<double>(), 100.0 / 3, 1e-9);
  std::filesystem::remove_all(folder_ / "set" / "a");
  std::filesystem::create_directory(folder_ / "set" / "a");
  expect_refused(run_fovea({"evaluate", model, set_, "--allow-empty"}),
                 "no picture in any of its class folders");
}

TEST_F(CliLabels, ComeFromAFile) {
  put("set/1.png");
  put("set/deep/2.png");
  put("set/3.png");
  put("set/4.png");
  const std::string csv = path("labels.csv");
  const json labels = {{"label_names", {"cat", "dog, hound"}}};
  const std::string model = always(1, 2, labels);
  write_file(csv, "path,label\n1.png,cat\ndeep/2.png,hound\n./3.png,dog\n");
  std::string said;
  const json line = evaluate({model, set_, "--labels", csv}, &said);
  EXPECT_EQ(line["images"], 3);
  EXPECT_NEAR(line["top1"].get<double>(), 200.0 / 3, 1e-9);
  EXPECT_FALSE(line.contains("map"));
  EXPECT_EQ(said,
            "note: left out: 1 without a label\nnote: classes by the labels of config.json\n");
  const std::string png = read_text(picture("gray.png"));
  write_zip(folder_ / "set.zip",
            {{"in/1.png", png}, {"in/deep/2.png", png}, {"in/3.png", png}, {"in/4.png", png}});
  EXPECT_EQ(evaluate({model, path("set.zip/in"), "--labels", csv}, &said)["top1"], line["top1"]);
  EXPECT_THAT(said, HasSubstr("left out: 1 without a label"));
  // By number, of which not all need to be there.
  write_file(csv, "1.png,7\n3.png,3\n4.png,7\n");
  EXPECT_NEAR(evaluate({always(7, 10), set_, "--labels", csv}, &said)["top1"].get<double>(),
              200.0 / 3, 1e-9);
  EXPECT_THAT(said, HasSubstr("classes by number: label 7 is class 7"));
  write_file(csv, "1.png,n02391049\n3.png,n01440764\n");
  EXPECT_EQ(evaluate({always(340, 1000), set_, "--labels", csv})["top1"], 50.0);
}

TEST_F(CliLabels, OfAFileMustFitThePictures) {
  put("set/1.png");
  put("set/2.png");
  const std::string csv = path("labels.csv");
  const std::string model = always(0, 2, {{"label_names", {"cat", "dog"}}});
  const auto refused = [&](const std::string& text, const std::string& message) {
    write_file(csv, text);
    expect_refused(run_fovea({"evaluate", model, set_, "--labels", csv}), message);
  };
  refused("1.png,cat\n\n9.png,dog\n", "labels.csv: line 3: no 9.png in " + set_);
  refused("1.png,cat\n2.png,bird\n", "label bird: none of the model's 2 labels");
  refused("1.png\n", "labels.csv: line 1 is no path,label");
  write_file(csv, "1.png,cat\n");
  expect_refused(run_fovea({"evaluate", model, set_, "--labels", csv, "--allow-empty"}),
                 "--allow-empty: does not go with --labels");
  write_zip(folder_ / "set.zip", {{"1.png", read_text(picture("gray.png"))}});
  write_file(csv, "1.png,cat\n2.png,dog\n");
  expect_refused(run_fovea({"evaluate", model, path("set.zip"), "--labels", csv}),
                 "labels.csv: line 2: no 2.png in " + path("set.zip"));
}

// The mean average precision against the one of the answers that classify gives.
TEST_F(CliLabels, SeveralForAPictureAreRanked) {
  const std::vector<std::string> pictures = {"gray.png", "photo.jpg", "small.png"};
  for (const std::string& name : pictures) put("set/" + name, name);
  const std::vector<std::string> labels = {"a|c", "b", "c|b"};
  const std::vector<std::vector<int>> right = {{0, 2}, {1}, {1, 2}};
  std::string text;
  for (int i = 0; i < 3; ++i) text += pictures[i] + "," + labels[i] + "\n";
  write_file(folder_ / "labels.csv", text);
  for (const char* problem : {"multi_label_classification", "single_label_classification"}) {
    const std::string model = path(problem);
    std::filesystem::copy(golden_path("vit"), model);
    set_keys(model,
             {{"label_names", {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}},
              {"problem_type", problem}},
             10);
    ClassRanking ranking(10);
    double top1 = 0;
    for (int i = 0; i < 3; ++i) {
      const Finished done =
          run_fovea({"classify", model, picture(pictures[i]), "--top", "10", "--json"});
      const json top = json_lines_of(done.out).at(0)["top"];
      std::vector<float> scores(10);
      for (const json& guess : top) scores[guess["index"]] = guess["probability"];
      ranking.add(scores, right[i]);
      const std::set<int> of(right[i].begin(), right[i].end());
      top1 += of.contains(top[0]["index"].get<int>()) ? 100.0 / 3 : 0;
    }
    const json line = evaluate({model, set_, "--labels", path("labels.csv")});
    EXPECT_NEAR(line["map"].get<double>(), ranking.mean_average_precision(), 1e-9) << problem;
    EXPECT_NEAR(line["top1"].get<double>(), top1, 1e-9);
  }
  const Finished shown = run_fovea(
      {"evaluate", path("multi_label_classification"), set_, "--labels", path("labels.csv")});
  EXPECT_THAT(shown.out, HasSubstr("\nmAP           "));
  expect_refused(run_fovea({"evaluate", golden_path("vit"), set_, "--labels", path("labels.csv"),
                            "--train", set_}),
                 "has several labels; expected one, as --train goes by votes");
}

TEST_F(CliLabels, OfFoldersAreRankedToo) {
  for (const char* to : {"a/1.png", "a/2.png", "a/3.png", "b/1.png"}) {
    put(std::string("set/") + to);
  }
  const json keys = {{"label_names", {"a", "b", "c"}},
                     {"problem_type", "multi_label_classification"}};
  // All scores are equal: precision is each class's share.
  EXPECT_NEAR(evaluate({always(0, 3, keys), set_})["map"].get<double>(), 50, 1e-9);
  EXPECT_FALSE(evaluate({always(0, 3, {{"label_names", {"a", "b", "c"}}}), set_}).contains("map"));
}

}  // namespace
}  // namespace fovea
