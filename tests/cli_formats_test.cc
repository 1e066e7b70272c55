// How pictures are read, from outside: all formats, the options, and what is told in the end.
#include <optional>
#include <string>
#include <vector>

#include "fovea/data/decoders.h"
#include "fovea/data/encoders.h"
#include "fovea/data/image.h"
#include "fovea/data/orientation.h"
#include "fovea/data/testing.h"
#include "fovea/fovea.h"
#include "fovea/io/npy.h"
#include "tests/cli_testing.h"
#include "tests/faults.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

const fs::path kFormats = test_data() / "goldens-formats";
const fs::path kOthers = test_data() / "goldens-pictures";

bool can_read(const fs::path& file) {
  try {
    read_image(file);
  } catch (const MissingLibrary&) {
    return false;
  }
  return true;
}

class CliFormats : public testing::Test {
 protected:
  // A copy in the folder, under that name.
  std::string put(const fs::path& from, const std::string& name) const {
    fs::create_directories((folder_ / name).parent_path());
    fs::copy_file(from, folder_ / name);
    return folder_ / name;
  }
  std::string put_image(const Image& image, const std::string& name) const {
    write_file(folder_ / name, encode_png(image));
    return folder_ / name;
  }
  Finished embed(const std::vector<std::string>& paths,
                 const std::vector<std::string>& options = {}) const {
    std::vector<std::string> command = {"embed", golden_path("vit"), "-o", folder_ / "out.npy"};
    command.insert(command.end(), paths.begin(), paths.end());
    command.insert(command.end(), options.begin(), options.end());
    return run_fovea(command);
  }
  std::vector<float> features(const std::string& path,
                              const std::vector<std::string>& options = {}) const {
    const Finished done = embed({path}, options);
    EXPECT_EQ(done.status, 0) << done.err;
    return done.status == 0 ? read_npy(folder_ / "out.npy").data : std::vector<float>{};
  }
  int64_t rows() const { return read_npy(folder_ / "out.npy").shape[0]; }

  TemporaryFolder folder_;
};

TEST_F(CliFormats, OfAllKindsAreTakenFromFolders) {
  put(kFormats / "lossless.webp", "p/a.webp");
  put(kOthers / "rgb-8.png", "p/b.png");
  write_file(folder_ / "p/c.bmp", "BM");
  const std::string left_out = "note: left out: 1 file of other kinds: 1 .bmp\n";
  Finished done = embed({folder_ / "p"});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.err, left_out);
  EXPECT_EQ(rows(), 2);
  if (!can_read(kFormats / "rgb.heic") || !can_read(kFormats / "rgb-lzw.tif")) {
    GTEST_SKIP() << "skipped: TIFF, HEIC and AVIF, for libtiff6 or libheif1 is not installed";
  }
  put(kFormats / "rgb-lzw.tif", "p/d.TIF");
  put(kFormats / "rgb-lzw.tif", "p/e.tiff");
  put(kFormats / "rgb.heic", "p/f.heic");
  put(kFormats / "rgb.heic", "p/g.heif");
  put(kFormats / "rgb.avif", "p/h.avif");
  done = embed({folder_ / "p"});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.err, left_out);
  EXPECT_EQ(rows(), 7);
}

// Decoded losslessly, they are the same pixels and so the same features.
TEST_F(CliFormats, AreToldByWhatTheyHold) {
  const std::string webp = put(kFormats / "lossless.webp", "webp.jpg");
  const std::string png = put_image(read_image(kFormats / "lossless.webp"), "same.png");
  EXPECT_EQ(features(webp), features(png));
  write_file(folder_ / "page.jpg", "<!DOCTYPE html><html>");
  expect_refused(
      run_fovea({"classify", golden_path("vit"), folder_ / "page.jpg"}),
      "page.jpg: is an HTML page, perhaps that of a download that failed; expected JPEG, "
      "PNG, WebP, TIFF, HEIC or AVIF");
}

TEST_F(CliFormats, WithoutTheirLibrariesAreCounted) {
  FOVEA_SKIP_WITH_SANITIZERS();
  put(kOthers / "rgb-8.png", "p/a.png");
  put(kFormats / "rgb-lzw.tif", "p/b.tif");
  put(kFormats / "rgb.heic", "p/c.heic");
  put(kFormats / "rgba.heic", "p/d.heic");
  put(kFormats / "rgb.avif", "p/e.avif");
  const std::string output = folder_ / "out.npy";
  const Finished done =
      run_failing("lack_libraries", {},
                  {"embed", golden_path("vit"), folder_ / "p", "-o", output, "--batch", "2"})
          .finished;
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(rows(), 1);
  EXPECT_THAT(
      lines_of(done.err),
      UnorderedElementsAre(
          "fovea: skipped: 1 picture: TIFF is read through libtiff.so.6 or .5, which is not "
          "installed (Debian package libtiff6)",
          "fovea: skipped: 2 pictures: HEIC is read through libheif.so.1, which is not "
          "installed (Debian package libheif1)",
          "fovea: skipped: 1 picture: AVIF is read through libheif.so.1, which is not "
          "installed (Debian package libheif1)"));
  expect_refused(
      run_failing("lack_libraries", {}, {"classify", golden_path("vit"), folder_ / "p/b.tif"})
          .finished,
      "b.tif: TIFF is read through libtiff.so.6 or .5, which is not installed (Debian "
      "package libtiff6)");
}

TEST_F(CliFormats, InZipsWithoutTheirLibrariesAreCounted) {
  FOVEA_SKIP_WITH_SANITIZERS();
  std::map<std::string, std::string> entries;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}) {
    entries[std::string(name) + "/1.webp"] = read_all(kFormats / "lossless.webp");
  }
  entries["a/2.heic"] = read_all(kFormats / "rgb.heic");
  write_zip(folder_ / "set.zip", entries);
  const Finished done = run_failing("lack_libraries", {},
                                    {"evaluate", golden_path("vit"), folder_ / "set.zip", "--json"})
                            .finished;
  EXPECT_EQ(done.status, 1) << done.err;
  EXPECT_EQ(nlohmann::json::parse(done.out).at("images"), 10);
  EXPECT_THAT(lines_of(done.err),
              Contains(HasSubstr("skipped: 1 picture: HEIC is read through libheif.so.1")));
}

TEST_F(CliFormats, AreTurnedWhereThatIsAskedFor) {
  const Image lying = read_image(kFormats / "turned.png");
  Decoded turned{.width = lying.width, .height = lying.height, .samples = lying.rgb};
  turn_upright(turned, 6);
  const std::string upright =
      put_image({turned.width, turned.height, turned.samples}, "upright.png");
  const std::string file = kFormats / "turned.png";
  EXPECT_EQ(features(file, {"--orient", "exif"}), features(upright));
  EXPECT_NE(features(file), features(upright));
  expect_done(embed({file}, {"--orient", "exif"}));
}

// As a library.
TEST_F(CliFormats, AreReadByTheModelAsItIsTold) {
  const Model model = Model::load(golden_path("vit"));
  const fs::path file = kFormats / "turned.png";
  const std::string turned = put_image(read_image(file, {.orient = Orient::exif}), "turned.png");
  EXPECT_EQ(model.preprocess(file, {.orient = Orient::exif}).data, model.preprocess(turned).data);
  EXPECT_NE(model.preprocess(file).data, model.preprocess(turned).data);
}

TEST_F(CliFormats, ThatWereNotTurnedAreCounted) {
  const std::string one =
      "note: 1 picture says in EXIF that it is turned; --orient exif turns it\n";
  const std::string jpeg = kOthers / "exif-turned.jpg";
  EXPECT_EQ(embed({jpeg, picture("gray.png")}).err, one);
  const Finished classified = run_fovea({"classify", golden_path("vit"), jpeg, "--json"});
  EXPECT_EQ(classified.err, one);
  EXPECT_EQ(json_lines_of(classified.out).size(), 1U);
  EXPECT_EQ(embed({jpeg, kFormats / "turned.png", kFormats / "turned.webp"}).err,
            "note: 3 pictures say in EXIF that they are turned; --orient exif turns them\n");
  // Which reads its pictures twice.
  EXPECT_THAT(
      run_fovea({"visualize", golden_path("vit"), jpeg, "-o", folder_ / "out.png", "--r", "4"}).err,
      HasSubstr(one));
}

TEST_F(CliFormats, OfDeepGreyThatSaturateAreCounted) {
  const std::string grey = kOthers / "gray-16.png";
  EXPECT_EQ(embed({grey, picture("gray.png")}).err,
            "note: 1 picture in 16-bit grey has values above 255, which are white, as Pillow makes "
            "them; scale it to 8 bits to keep what it shows\n");
  EXPECT_EQ(
      embed({grey, grey}).err,
      "note: 2 pictures in 16-bit grey have values above 255, which are white, as Pillow makes "
      "them; scale them to 8 bits to keep what they show\n");
}

TEST_F(CliFormats, ShowABackgroundWhereThatIsAskedFor) {
  const std::string noise = kFormats / "hidden-noise.png";
  const std::string white = kFormats / "hidden-white.png";
  EXPECT_NE(features(noise), features(white));
  for (const char* colour : {"white", "black", "10,200,99"}) {
    EXPECT_EQ(features(noise, {"--background", colour}), features(white, {"--background", colour}));
  }
  EXPECT_EQ(features(white, {"--background", "white"}), features(white));
  EXPECT_EQ(features(white, {"--background", "0,0,0"}), features(white, {"--background", "black"}));
  EXPECT_NE(features(white, {"--background", "black"}), features(white));
}

TEST_F(CliFormats, ThatAreCutAreTakenWhereThatIsAskedFor) {
  const std::string whole = read_all(kOthers / "gray.jpg");
  const std::string cut = folder_ / "cut.jpg";
  write_file(cut, whole.substr(0, whole.size() - 2));
  expect_refused(embed({cut}), "cut.jpg: broken JPEG: Premature end of JPEG file");
  expect_refused(embed({cut}, {"--truncated", "refuse"}), "broken JPEG");
  EXPECT_EQ(features(cut, {"--truncated", "accept"}), features(kOthers / "gray.jpg"));
}

TEST_F(CliFormats, AreLimitedInPixels) {
  const std::string large =
      put_image({1001, 1000, std::vector<uint8_t>(size_t{3} * 1001 * 1000)}, "large.png");
  expect_refused(embed({large}, {"--max-megapixels", "1"}),
                 "large.png: 1001 x 1000 pixels; expected at most 1 megapixels");
  expect_done(embed({large}, {"--max-megapixels", "2"}));
}

TEST_F(CliFormats, AreReadTheSameWayByEveryCommand) {
  const fs::path set = folder_ / "set";
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}) {
    put(kFormats / "cut-gray.jpg", std::string("set/") + name + "/1.jpg");
    put(kFormats / "hidden-white.png", std::string("set/") + name + "/2.png");
  }
  const std::string vit = golden_path("vit");
  const std::vector<std::vector<std::string>> commands = {
      {"classify", vit, set},
      {"embed", vit, set, "-o", folder_ / "out.npy"},
      {"evaluate", vit, set},
      {"evaluate", vit, set, "--train", set},
      {"visualize", vit, set, "-o", folder_ / "out.png", "--r", "4"},
      {"sweep", vit, set, "-o", folder_ / "out.csv", "--r", "4", "--passes", "1"},
      {"tune", vit, set, "-o", folder_ / "out.json", "--seconds", "1"}};
  for (std::vector<std::string> command : commands) {
    SCOPED_TRACE(command[0]);
    EXPECT_EQ(run_fovea(command).status, 1) << "cut ones are skipped";
    command.insert(command.end(), {"--truncated", "accept", "--background", "white", "--orient",
                                   "exif", "--max-megapixels", "1"});
    const Finished done = run_fovea(command);
    EXPECT_EQ(done.status, 0) << done.err;
  }
}

TEST_F(CliFormats, RefuseWrongOptions) {
  const std::string file = picture("gray.png");
  expect_refused(embed({file}, {"--orient", "up"}), "--orient up: expected none or exif");
  expect_refused(embed({file}, {"--truncated", "yes"}),
                 "--truncated yes: expected refuse or accept");
  expect_refused(embed({file}, {"--background", "pink"}),
                 "--background pink: expected none, white, black or R,G,B");
  expect_refused(embed({file}, {"--background", "1,2,256"}),
                 "--background 256: expected a whole number from 0 to 255");
  for (const char* number : {"0", "2001", "1.5"}) {
    expect_refused(
        embed({file}, {"--max-megapixels", number}),
        std::string("--max-megapixels ") + number + ": expected a whole number from 1 to 2000");
  }
}

}  // namespace
}  // namespace fovea
