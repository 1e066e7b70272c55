// fovea preprocess against the library, and what it refuses.
#include "fovea/io/npy.h"
#include "tests/cli_testing.h"
#include "tests/goldens.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CliPreprocess, WritesWhatForwardTakes) {
  const TemporaryFolder folder;
  const std::string model = golden("vit").string();
  const std::string out = folder / "input.npy";
  expect_done(
      run_fovea({"preprocess", model, picture("photo.jpg"), picture("gray.png"), "-o", out}));
  const Array input = read_npy(out);
  const Model loaded = Model::load(model, {.threads = 1});
  const Array first = loaded.preprocess(picture("photo.jpg"));
  ASSERT_EQ(input.shape, (Shape{2, 3, first.shape[2], first.shape[3]}));
  EXPECT_TRUE(std::equal(first.data.begin(), first.data.end(), input.data.begin()));
  expect_done(run_fovea({"forward", model, "--input", out, "-o", folder / "out.safetensors"}));
}

TEST(CliPreprocess, WritesDecodedPixels) {
  const TemporaryFolder folder;
  const std::string out = folder / "raw.npy";
  const std::string path = picture("photo.jpg");
  expect_done(
      run_fovea({"preprocess", golden("vit").string(), path, path, "--stage", "raw", "-o", out}));
  EXPECT_EQ(npy_dtype(out), "|u1");
  const Image image = read_image(path);
  const std::string bytes = read_text(out);
  const size_t size = image.rgb.size();
  ASSERT_GT(bytes.size(), 2 * size);
  EXPECT_THAT(bytes.substr(0, 128),
              HasSubstr(fmt::format("(2, {}, {}, 3)", image.height, image.width)));
  EXPECT_TRUE(std::equal(image.rgb.begin(), image.rgb.end(), bytes.end() - 2 * size,
                         [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); }));
}

TEST(CliPreprocess, SkipsWhatCannotBeRead) {
  const TemporaryFolder folder;
  write_file(folder / "broken.jpg", "no picture");
  const Finished run = run_fovea({"preprocess", golden("vit").string(), folder / "broken.jpg",
                                  picture("photo.jpg"), "-o", folder / "input.npy"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("skipped: "));
  EXPECT_EQ(read_npy(folder / "input.npy").shape[0], 1);
  std::vector<std::string> raw = {"preprocess",
                                  golden("vit").string(),
                                  folder / "broken.jpg",
                                  picture("photo.jpg"),
                                  "--stage",
                                  "raw",
                                  "-o",
                                  folder / "raw.npy"};
  const Finished decoded = run_fovea(raw);
  EXPECT_EQ(decoded.status, 1);
  EXPECT_THAT(decoded.err, HasSubstr("skipped: "));
  EXPECT_THAT(read_text(folder / "raw.npy").substr(0, 128), HasSubstr("'shape': (1, "));
  raw.erase(raw.begin() + 3);
  const Finished none = run_fovea(raw);
  EXPECT_EQ(none.status, 2);
  EXPECT_THAT(none.err, HasSubstr("none of 1 pictures could be read"));
}

TEST(CliPreprocess, RefusesInOneLine) {
  const TemporaryFolder folder;
  const auto refuse = [&](std::vector<std::string> more, const char* why) {
    std::vector<std::string> words = {"preprocess", golden("vit").string(), picture("photo.jpg"),
                                      picture("small.png")};
    words.insert(words.end(), more.begin(), more.end());
    const Finished run = run_fovea(words);
    EXPECT_EQ(run.status, 2);
    EXPECT_THAT(run.err, HasSubstr(why));
  };
  refuse({"-o", folder / "x.npz"}, "expected a name that ends in .npy");
  refuse({"-o", folder / "x.npy", "--stage", "half"}, "--stage half: expected input or raw");
  refuse({"-o", folder / "x.npy", "--stage", "raw"}, "expected pictures of one size");
  EXPECT_FALSE(std::filesystem::exists(folder / "x.npy"));
}

}  // namespace
}  // namespace fovea
