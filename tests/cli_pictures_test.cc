// `fovea classify` and `fovea embed` from outside: results, broken pictures, progress.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "tests/cli_testing.h"
#include "tests/terminal.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class CliPictures : public testing::Test {
 protected:
  // A folder with two pictures and one file that is none.
  std::string folder_with_broken() const {
    const std::filesystem::path pictures = folder_ / "pictures";
    std::filesystem::create_directories(pictures / "deep");
    std::filesystem::copy_file(picture("gray.png"), pictures / "deep" / "b.png");
    std::filesystem::copy_file(picture("photo.jpg"), pictures / "a.jpg");
    write_file(pictures / "broken.jpg", "this is text");
    write_file(pictures / "readme.txt", "not looked at");
    return pictures;
  }

  TemporaryFolder folder_;
  const std::string vit_ = golden_path("vit");
};

using CliClassify = CliPictures;
using CliEmbed = CliPictures;

TEST_F(CliClassify, JsonHasExactlyTheContractsKeys) {
  const Finished done = run_fovea(
      {"classify", vit_, picture("photo.jpg"), picture("gray.png"), "--json", "--top", "10"});
  expect_done(done);
  const std::vector<json> lines = json_lines_of(done.out);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].at("file"), picture("photo.jpg"));
  EXPECT_EQ(lines[1].at("file"), picture("gray.png"));
  for (const json& line : lines) {
    EXPECT_EQ(line.size(), 2U);
    ASSERT_EQ(line.at("top").size(), 10U);
    double sum = 0;
    double before = 1;
    for (const json& guess : line.at("top")) {
      EXPECT_EQ(guess.size(), 3U);
      EXPECT_TRUE(guess.at("label").is_null());
      EXPECT_LT(guess.at("index").get<int>(), 10);
      const double probability = guess.at("probability");
      EXPECT_LE(probability, before);
      before = probability;
      sum += probability;
    }
    EXPECT_NEAR(sum, 1, 1e-6);
  }
}

TEST_F(CliClassify, TextShowsTheFileAndItsClasses) {
  const Finished done = run_fovea({"classify", vit_, picture("photo.jpg"), "--top", "2"});
  expect_done(done);
  const std::vector<std::string> lines = lines_of(done.out);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], picture("photo.jpg"));
  EXPECT_THAT(lines[1], AllOf(HasSubstr(" %  class ")));
  EXPECT_EQ(lines[1].find('%'), lines[2].find('%'));
}

TEST_F(CliClassify, LabelsComeFromTheConfig) {
  const std::filesystem::path model = folder_ / "model";
  std::filesystem::copy(vit_, model);
  json config = json::parse(read_text(model / "config.json"));
  for (int i = 0; i < 10; ++i) config["id2label"][std::to_string(i)] = "label " + std::to_string(i);
  write_file(model / "config.json", config.dump());
  const Finished done = run_fovea({"classify", model, picture("photo.jpg"), "--json"});
  expect_done(done);
  const json line = json::parse(done.out);
  for (const json& guess : line.at("top")) {
    EXPECT_EQ(guess.at("label"), "label " + guess.at("index").dump());
  }
  EXPECT_THAT(run_fovea({"classify", model, picture("photo.jpg")}).out, HasSubstr("%  label "));

  config.erase("id2label");
  config["label_names"] = {"one", "two"};
  write_file(model / "config.json", config.dump());
  const Finished unlabelled = run_fovea({"classify", model, picture("photo.jpg")});
  EXPECT_EQ(unlabelled.status, 0);
  EXPECT_THAT(unlabelled.err, HasSubstr("note: config.json has 2 labels for 10 classes"));
  EXPECT_THAT(unlabelled.out, HasSubstr("%  class "));
}

TEST_F(CliClassify, GoesOnPastBrokenPictures) {
  const std::string pictures = folder_with_broken();
  const Finished done =
      run_fovea({"classify", vit_, pictures, folder_ / "none.jpg", picture("gray.png"), "--json"});
  EXPECT_EQ(done.status, 1);
  const std::vector<json> lines = json_lines_of(done.out);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].at("file"), pictures + "/a.jpg");
  EXPECT_EQ(lines[1].at("file"), pictures + "/deep/b.png");
  EXPECT_EQ(lines[2].at("file"), picture("gray.png"));
  EXPECT_EQ(lines[1].at("top"), lines[2].at("top")) << "the same picture";
  EXPECT_THAT(lines_of(done.err), testing::UnorderedElementsAre(
                                      AllOf(HasSubstr("skipped: "), HasSubstr("broken.jpg: ")),
                                      AllOf(HasSubstr("skipped: "), HasSubstr("none.jpg: ")),
                                      HasSubstr("left out: 1 file of other kinds: 1 .txt")));
}

TEST_F(CliClassify, OneBrokenPictureIsOneLine) {
  write_file(folder_ / "text.jpg", "this is text");
  expect_refused(run_fovea({"classify", vit_, folder_ / "text.jpg"}), "text.jpg: ");
  expect_refused(run_fovea({"classify", vit_, folder_ / "none.jpg"}), "none.jpg: no such file");
  std::filesystem::create_directory(folder_ / "empty");
  expect_refused(run_fovea({"classify", vit_, folder_ / "empty"}), "no .jpg, .jpeg, .png");
}

TEST_F(CliClassify, PathsInBracketsAreNoLists) {
  std::filesystem::copy_file(picture("gray.png"), folder_ / "[a,b]");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  const Finished done = run_fovea({"classify", vit_, "[a,b]", "--json"});
  std::filesystem::current_path(before);
  expect_done(done);
  EXPECT_EQ(json::parse(done.out).at("file"), "./[a,b]");
}

// Files and folders that are no data, and what is said of them.
class CliFolders : public testing::Test {
 protected:
  void put(const std::string& from, const std::string& to) const {
    std::filesystem::create_directories((folder_ / to).parent_path());
    std::filesystem::copy_file(picture(from), folder_ / to);
  }
  // The names of the rows, relative to the folder.
  std::vector<std::string> embed(std::vector<std::string> paths, std::string* said = nullptr,
                                 const Streams& streams = {}) const {
    std::vector<std::string> command = {"embed", golden_path("vit")};
    command.insert(command.end(), paths.begin(), paths.end());
    const std::string names = folder_ / "names.txt";
    command.insert(command.end(), {"-o", folder_ / "out.npy", "--names", names});
    const Finished done = run_fovea(command, streams);
    EXPECT_EQ(done.status, 0) << done.err;
    if (said != nullptr) *said = done.err;
    std::vector<std::string> rows = lines_of(read_text(names));
    for (std::string& row : rows) {
      row = std::filesystem::path(row).lexically_relative(folder_.path()).string();
    }
    return rows;
  }
  TemporaryFolder folder_;
};

TEST_F(CliFolders, AreCountedByKindWhereTheyAreLeftOut) {
  for (const char* name : {"p/a.png", "p/.hidden.png", "p/.ipynb_checkpoints/a.png"}) {
    put("gray.png", name);
  }
  write_file(folder_ / "p/b.bmp", "BM");
  write_file(folder_ / "p/c.BMP", "BM");
  write_file(folder_ / "p/notes.txt", "text");
  std::string said;
  EXPECT_THAT(embed({folder_ / "p"}, &said), testing::ElementsAre("p/a.png"));
  EXPECT_EQ(said, "note: left out: 3 files of other kinds: 2 .bmp, 1 .txt; 2 hidden\n");
  EXPECT_THAT(embed({folder_ / "p/.hidden.png"}), testing::ElementsAre("p/.hidden.png"));
}

TEST_F(CliFolders, BehindLinksToFoldersAreFound) {
  put("gray.png", "p/a.png");
  put("small.png", "elsewhere/b.png");
  std::filesystem::create_directory_symlink(folder_ / "elsewhere", folder_ / "p/more");
  EXPECT_THAT(embed({folder_ / "p"}), testing::ElementsAre("p/a.png", "p/more/b.png"));
}

TEST_F(CliFolders, AreListedByAFile) {
  put("gray.png", "a.png");
  put("small.png", "b.png");
  const std::string a = folder_ / "a.png";
  const std::string b = folder_ / "b.png";
  write_file(folder_ / "lines.txt", b + "\r\n\n" + a);
  EXPECT_THAT(embed({"@" + (folder_ / "lines.txt").string()}),
              testing::ElementsAre("b.png", "a.png"));
  write_file(folder_ / "nul", a + '\0' + b + '\0');
  EXPECT_THAT(embed({"@" + (folder_ / "nul").string(), a}),
              testing::ElementsAre("a.png", "b.png", "a.png"));
  EXPECT_THAT(embed({"-"}, nullptr, {.in = folder_ / "lines.txt"}),
              testing::ElementsAre("b.png", "a.png"));
  write_file(folder_ / "empty.txt", "\n");
  expect_refused(
      run_fovea({"classify", golden_path("vit"), "@" + (folder_ / "empty.txt").string()}),
      "empty.txt: lists no path; expected one a line");
  expect_refused(run_fovea({"classify", golden_path("vit"), "-"}), "-: lists no path");
  expect_refused(run_fovea({"classify", golden_path("vit"), "-", "-"}), "-: lists no path");
}

TEST(CliFeatures, OfTwoPartsAreWhole) {
  const TemporaryFolder folder;
  const std::string model = golden_path("dinov2-classifier");
  const std::string pixels = folder / "pixels.npy";
  const Model loaded = Model::load(model);
  write_npy(pixels, loaded.preprocess(picture("photo.jpg")));
  const Finished done = run_fovea({"embed", model, picture("photo.jpg"), "-o", folder / "out.npy"});
  ASSERT_EQ(done.status, 0) << done.err;  // which notes the token that masks
  const Array got = read_npy(folder / "out.npy");
  EXPECT_EQ(got.shape, (Shape{1, 96}));
  EXPECT_EQ(got.data, loaded.run(read_npy(pixels)).features.data);
}

TEST_F(CliClassify, NeedsAHead) {
  write_model_without(folder_ / "model", "head.");
  expect_refused(run_fovea({"classify", folder_ / "model", picture("gray.png")}),
                 "no head to classify with; fovea embed gives its features");
}

TEST_F(CliClassify, LogitsThatAreNoNumbersAreAnError) {
  const Array broken({10}, std::vector<float>(10, NAN));
  write_changed_model(folder_ / "model", [&](std::vector<TensorToWrite>& tensors) {
    std::erase_if(tensors, [](const TensorToWrite& t) { return t.name == "head.bias"; });
    tensors.push_back(to_write("head.bias", broken));
  });
  expect_refused(run_fovea({"classify", folder_ / "model", picture("gray.png")}),
                 "logits that are not finite for " + picture("gray.png"));
}

TEST_F(CliClassify, AFullStandardOutputIsNoticed) {
  expect_refused(run_fovea({"classify", vit_, picture("gray.png")}, {.out = "/dev/full"}),
                 "standard output cannot be written");
}

TEST_F(CliEmbed, WritesARowForEveryReadablePicture) {
  const std::string pictures = folder_with_broken();
  const std::string output = folder_ / "features.npy";
  const std::string names = folder_ / "names.txt";
  const Finished done = run_fovea({"embed", vit_, pictures, "-o", output, "--names", names});
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.out, "");
  EXPECT_THAT(done.err, AllOf(HasSubstr("skipped: "), HasSubstr("broken.jpg: ")));
  EXPECT_EQ(read_npy(output).shape, (Shape{2, 48}));
  EXPECT_THAT(lines_of(read_text(names)),
              ElementsAre(pictures + "/a.jpg", pictures + "/deep/b.png"));
}

TEST_F(CliEmbed, RowsDoNotDependOnBatchOrThreads) {
  const auto rows = [&](const std::string& batch, const std::string& threads) {
    const std::string output = folder_ / "features.npy";
    expect_done(run_fovea({"embed", vit_, kPictures, "-o", output, "--batch", batch, "--threads",
                           threads, "--r", "4", "--inflect", "-1"}));
    return read_npy(output);
  };
  const Array one = rows("1", "1");
  EXPECT_EQ(one.shape, (Shape{8, 48}));
  EXPECT_EQ(rows("3", "2").data, one.data);
}

TEST_F(CliEmbed, NothingReadableWritesNothing) {
  write_file(folder_ / "a.jpg", "text");
  write_file(folder_ / "b.jpg", "more text");
  const Finished done = run_fovea(
      {"embed", vit_, folder_.path(), "-o", folder_ / "out.npy", "--names", folder_ / "names.txt"});
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(lines_of(done.err), ElementsAre(HasSubstr("a.jpg"), HasSubstr("b.jpg"),
                                              "fovea: none of 2 pictures could be read"));
  EXPECT_EQ(folder_.count(), 2U);
}

TEST_F(CliEmbed, OutputsThatCanNotBeWrittenAreNamed) {
  const std::string gray = picture("gray.png");
  const auto embed = [&](const std::string& output, const std::string& names) {
    return run_fovea({"embed", vit_, gray, "-o", output, "--names", names});
  };
  const std::string good = folder_ / "good.npy";
  expect_refused(embed(folder_ / "none/x.npy", good), "there is no folder");
  expect_refused(embed(good, folder_ / "none/names.txt"), "there is no folder");
  expect_refused(embed("/dev/full", good), "/dev/full: cannot be written: No space left");
  expect_refused(embed(good, folder_ / "./good.npy"),
                 "expected another file than that of --output");
  EXPECT_EQ(folder_.count(), 0U);
}

TEST_F(CliEmbed, ProgressIsDrawnOnATerminalOnly) {
  const PseudoTerminal terminal;
  if (!terminal.is_there()) GTEST_SKIP() << "no pseudo terminal here";
  const std::vector<std::string> arguments = {"embed", vit_, kPictures, "-o", folder_ / "out.npy"};
  EXPECT_EQ(run_fovea(arguments, {.err = terminal.name()}).status, 0);
  const std::string drawn = terminal.drawn();
  EXPECT_THAT(drawn, AllOf(HasSubstr("8/8"), HasSubstr("images/s"), HasSubstr("s left")));
  EXPECT_THAT(drawn, testing::EndsWith("\r\033[K")) << "the line is taken away at the end";
  expect_done(run_fovea(arguments));
}

}  // namespace
}  // namespace fovea
