// `fovea evaluate`, `embed --dense` and `forward --unmerge` from outside.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "fovea/data/testing.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CliEvaluate : public testing::Test {
 protected:
  void put(const std::string& from, const std::string& to) const {
    std::filesystem::create_directories((folder_ / to).parent_path());
    std::filesystem::copy_file(picture(from), folder_ / to);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // The class that the golden model, of 10 classes, gives a picture.
  int class_of(const std::string& name) const {
    const Finished done = run_fovea({"classify", vit_, picture(name), "--json", "--top", "1"});
    return json_lines_of(done.out).at(0)["top"][0]["index"].get<int>();
  }
  void SetUp() override { write_model_without(folder_ / "headless", "head."); }

  TemporaryFolder folder_;
  const std::string headless_ = path("headless");
  const std::string vit_ = golden_path("vit");
};

TEST_F(CliEvaluate, CountsWhatTheHeadSays) {
  const int photo = class_of("photo.jpg");
  // Of ten pictures, the same in every class, one is right.
  for (int i = 0; i < 10; ++i) put("photo.jpg", "set/c" + std::to_string(i) + "/a.jpg");
  const Finished done = run_fovea({"evaluate", vit_, path("set"), "--json", "--r", "2"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.err, HasSubstr("sorted order"));
  const json line = json_lines_of(done.out).at(0);
  EXPECT_EQ(line["images"], 10);
  EXPECT_EQ(line["top1"], 10.0);
  EXPECT_EQ(line["top5"], 50.0);
  EXPECT_GT(line["images_per_second"].get<double>(), 0);
  const json inspected = json::parse(run_fovea({"inspect", vit_, "--json", "--r", "2"}).out);
  EXPECT_NEAR(line["gflops_per_image"].get<double>(), inspected["gflops"].get<double>(), 1e-9);
  EXPECT_EQ(line["tokens_left"], inspected["tokens_per_layer"].back());
  // And with more of the right class the share rises as it must.
  for (int i = 0; i < 10; ++i) {
    put("photo.jpg", "set/c" + std::to_string(photo) + "/more" + std::to_string(i) + ".jpg");
  }
  const Finished more = run_fovea({"evaluate", vit_, path("set"), "--json"});
  EXPECT_EQ(json_lines_of(more.out).at(0)["top1"], 55.0);
}

TEST_F(CliEvaluate, GoesByTheNearestPictures) {
  put("photo.jpg", "known/a/1.jpg");
  put("photo.jpg", "known/a/2.jpg");
  put("gray.png", "known/b/1.png");
  put("gray.png", "known/b/2.png");
  put("photo.jpg", "set/a/x.jpg");
  put("photo.jpg", "set/b/x.jpg");
  put("gray.png", "set/b/y.png");
  put("gray.png", "set/b/z.png");
  const Finished done = run_fovea(
      {"evaluate", headless_, path("set"), "--train", path("known"), "--knn", "2", "--json"});
  expect_done(done);
  EXPECT_EQ(json_lines_of(done.out).at(0)["top1"], 75.0);
  expect_refused(run_fovea({"evaluate", headless_, path("set")}), "has no head; expected --train");
  expect_refused(
      run_fovea({"evaluate", headless_, path("set"), "--train", path("known"), "--knn", "5"}),
      "--knn 5: expected at most the 4 known pictures of --train " + path("known"));
  expect_done(run_fovea({"evaluate", headless_, path("set"), "--train", path("known")}));
  std::filesystem::remove_all(folder_ / "known/b");
  put("gray.png", "known/c/1.png");
  expect_refused(run_fovea({"evaluate", headless_, path("set"), "--train", path("known")}),
                 "no class folder b");
}

// DINOv2's linear head sees the class token and the mean of the patches: 2C values a picture.
TEST_F(CliEvaluate, GoesByFeaturesOfTwoParts) {
  for (const std::string set : {"known", "set"}) {
    put("photo.jpg", set + "/a/1.jpg");
    put("gray.png", set + "/b/1.png");
    put("small.png", set + "/c/1.png");
  }
  const std::string model = golden_path("dinov2-classifier");
  const Finished done =
      run_fovea({"evaluate", model, path("set"), "--train", path("known"), "--knn", "1", "--json"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(json_lines_of(done.out).at(0)["top1"], 100.0);
}

TEST_F(CliEvaluate, FeaturesThatAreNoNumbersAreAnError) {
  put("photo.jpg", "set/a/1.jpg");
  put("gray.png", "set/b/1.png");
  const Array broken({48}, std::vector<float>(48, NAN));
  write_changed_model(folder_ / "broken", [&](std::vector<TensorToWrite>& tensors) {
    std::erase_if(tensors, [](const TensorToWrite& t) {
      return t.name == "norm.bias" || t.name.starts_with("head.");
    });
    tensors.push_back(to_write("norm.bias", broken));
  });
  expect_refused(
      run_fovea({"evaluate", path("broken"), path("set"), "--train", path("set"), "--knn", "1"}),
      "gives answers that are not finite");
}

TEST_F(CliEvaluate, AClassWithoutAVoteIsNotAmongTheFive) {
  const std::vector<std::string> pictures = {"photo.jpg", "gray.png", "small.png"};
  for (const std::string& picture : pictures) {
    const std::string name = picture.substr(0, picture.find('.'));
    put(picture, "known/" + name + "/1" + picture.substr(picture.find('.')));
    // One neighbour votes, and is of another class each time.
    for (const std::string& other : pictures) {
      if (other == picture) continue;
      put(other, "set/" + name + "/" + other);
    }
  }
  const Finished done = run_fovea(
      {"evaluate", headless_, path("set"), "--train", path("known"), "--knn", "1", "--json"});
  expect_done(done);
  EXPECT_EQ(json_lines_of(done.out).at(0)["images"], 6);
  EXPECT_EQ(json_lines_of(done.out).at(0)["top5"], 0.0);
}

TEST_F(CliEvaluate, TakesPicturesFromAZip) {
  const std::string photo = read_text(picture("photo.jpg"));
  const std::string grey = read_text(picture("gray.png"));
  write_zip(folder_ / "set.zip", {{"train/a/1.jpg", photo},
                                  {"train/b/1.png", grey},
                                  {"test/a/1.jpg", photo},
                                  {"test/b/1.jpg", photo},
                                  {"test/b/2.png", "this is text"}});
  const Finished done = run_fovea({"evaluate", headless_, path("set.zip/test"), "--train",
                                   path("set.zip/train"), "--knn", "1", "--json"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("skipped: " + path("set.zip") + ": test/b/2.png: no picture"));
  EXPECT_EQ(json_lines_of(done.out).at(0)["top1"], 50.0);
  expect_refused(run_fovea({"evaluate", vit_, path("set.zip")}), "splits; expected one of them");
}

TEST_F(CliEvaluate, SkipsAndNamesWhatCantBeRead) {
  put("photo.jpg", "set/a/1.jpg");
  put("photo.jpg", "set/b/1.jpg");
  write_file(folder_ / "set/b/broken.jpg", "this is text");
  const Finished done = run_fovea(
      {"evaluate", headless_, path("set"), "--train", path("set"), "--knn", "1", "--json"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("broken.jpg"));
  EXPECT_EQ(json_lines_of(done.out).at(0)["images"], 2);
}

TEST_F(CliEvaluate, CtrlCGivesTheAccuracySoFar) {
  constexpr int kMany = 3000;
  for (int i = 0; i < 10; ++i) {
    const std::string folder = "set/c" + std::to_string(i);
    put("photo.jpg", folder + "/0.jpg");
    for (int j = 1; j < kMany / 10; ++j) {
      std::filesystem::create_hard_link(folder_ / folder / "0.jpg",
                                        folder_ / folder / (std::to_string(j) + ".jpg"));
    }
  }
  const Finished done = interrupt_fovea({"evaluate", vit_, path("set"), "--json", "--batch", "1"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("interrupted: this is of "));
  const int images = json_lines_of(done.out).at(0)["images"].get<int>();
  EXPECT_GE(images, 1);
  EXPECT_LT(images, kMany);
}

TEST_F(CliEvaluate, RefusesFoldersThatMeanNothing) {
  expect_refused(run_fovea({"evaluate", vit_, path("none")}), "no such folder");
  put("photo.jpg", "set/a/1.jpg");
  put("photo.jpg", "set/b/1.jpg");
  expect_refused(run_fovea({"evaluate", vit_, path("set")}), "2 class folders, none of them");
  expect_refused(run_fovea({"evaluate", vit_, path("set"), "--knn", "0"}), "--knn 0");
}

TEST_F(CliEvaluate, DenseOutputHasAFeatureForEveryPatch) {
  const std::vector<std::string> pictures = {picture("photo.jpg"), picture("gray.png")};
  const auto embed = [&](const std::string& r, const std::string& size) {
    expect_done(run_fovea({"embed", vit_, pictures[0], pictures[1], "--dense", "-o",
                           path("dense.npy"), "--r", r, "--size", size}));
    return read_npy(folder_ / "dense.npy");
  };
  const Array plain = embed("0", "48");
  EXPECT_EQ(plain.shape, (Shape{2, 6, 6, 48}));
  const Array merged = embed("6", "48");
  EXPECT_EQ(merged.shape, plain.shape);
  EXPECT_NE(merged.data, plain.data);
  EXPECT_EQ(embed("0", "32x64").shape, (Shape{2, 4, 8, 48}));
}

TEST_F(CliEvaluate, ForwardUnmerges) {
  const std::string input = golden_path("vit") + "/input.npy";
  const auto run = [&](const std::string& r) {
    expect_done(run_fovea({"forward", vit_, "--input", input, "--output", path("o.safetensors"),
                           "--unmerge", "--r", r}));
    return SafeTensors::open(folder_ / "o.safetensors");
  };
  const SafeTensors plain = run("0");
  const auto read = [](const SafeTensors& file, const std::string& name) {
    const TensorView& tensor = file.tensors().at(name);
    return Array(tensor.shape, to_floats(tensor, file.file_name()));
  };
  const Array tokens = read(plain, "tokens");
  const Array dense = read(plain, "dense");
  ASSERT_EQ(dense.shape, (Shape{tokens.shape[0], tokens.shape[1] - 1, tokens.shape[2]}));
  EXPECT_TRUE(std::equal(dense.data.begin(), dense.data.begin() + tokens.shape[2],
                         tokens.data.begin() + tokens.shape[2]))
      << "the first patch is the second token";
  EXPECT_EQ(read(run("5"), "dense").shape, dense.shape);
}

}  // namespace
}  // namespace fovea
