// Data sets in folders and zip files, and what is none.
#include "fovea/data/dataset.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "fovea/data/media_testing.h"
#include "fovea/data/model_input.h"
#include "fovea/data/testing.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class DatasetTest : public testing::Test {
 protected:
  void unpack(const std::map<std::string, std::string>& entries) const {
    for (const auto& [name, content] : entries) {
      const std::filesystem::path path = folder_ / ("set/" + name);
      std::filesystem::create_directories(path.parent_path());
      write_file(path, content);
    }
  }
  std::filesystem::path pack(const std::map<std::string, std::string>& entries) const {
    write_zip(folder_ / "set.zip", entries);
    return folder_ / "set.zip";
  }
  static std::string refusal(const std::filesystem::path& path, const std::string& split) {
    return error_of([&] { open_dataset(path, split); });
  }
  TemporaryFolder folder_;
  // Out of order, and with what is no picture.
  const std::map<std::string, std::string> pictures_ = {
      {"train/dog/2.png", png_of(3, 2, {9, 8, 7})},
      {"train/cat/b/1.PNG", png_of(1, 1, {1, 2, 3})},
      {"train/cat/a.png", png_of(2, 2, {4, 5, 6})},
      {"train/dog/readme.txt", "text"},
      {"readme.txt", "text"},
      {"test/cat/1.png", png_of(1, 1, {0, 0, 0})},
      {"test/dog/1.png", png_of(1, 1, {0, 0, 0})},
  };
};

void expect_the_pictures(const Dataset& data) {
  EXPECT_THAT(data.classes(), ElementsAre("cat", "dog"));
  ASSERT_EQ(data.size(), 3);
  EXPECT_THAT((std::vector{data.label(0), data.label(1), data.label(2)}), ElementsAre(0, 0, 1));
  EXPECT_EQ(data.read(0).rgb, (std::vector<uint8_t>{4, 5, 6, 4, 5, 6, 4, 5, 6, 4, 5, 6}));
  EXPECT_EQ(data.read(1).rgb, (std::vector<uint8_t>{1, 2, 3}));
  EXPECT_EQ(data.read(2).width, 3);
}

TEST_F(DatasetTest, IsTheSameInAFolderAndInAZip) {
  unpack(pictures_);
  const auto folder = open_dataset(folder_ / "set", "train");
  expect_the_pictures(*folder);
  EXPECT_THAT(folder->name(1), HasSubstr("set/train/cat/b/1.PNG"));
  const std::filesystem::path zip = pack(pictures_);
  const auto zipped = open_dataset(zip, "train");
  expect_the_pictures(*zipped);
  EXPECT_EQ(zipped->name(1), zip.string() + ": train/cat/b/1.PNG");
  expect_the_pictures(*open_dataset(zip / "train", ""));
  expect_the_pictures(*open_dataset(zip / "train/", ""));
}

TEST_F(DatasetTest, TakesZipsOfClassesAlone) {
  const auto data = open_dataset(pack({{"a/1.png", png_of(1, 1, {})},
                                       {"a/", ""},
                                       {"b/1.png", png_of(1, 1, {})},
                                       {"__MACOSX/a/._1.png", "junk"},
                                       {"a/._1.png", "junk"}}),
                                 "");
  EXPECT_THAT(data->classes(), ElementsAre("a", "b"));
  EXPECT_EQ(data->size(), 2);
  EXPECT_EQ(to_string(data->left_out()), "2 hidden");
}

TEST_F(DatasetTest, HoldsTheSameInAFolderAsInAZip) {
  const std::string png = png_of(1, 1, {});
  const std::map<std::string, std::string> files = {
      {"a/1.png", png},  {"a/._1.png", "junk"},  {"a/.ipynb_checkpoints/1.png", png},
      {"a/x.bmp", "BM"}, {"b/1.png", png},       {"b/@eaDir/1.png", png},
      {"b/x.BMP", "BM"}, {".hidden/1.png", png}, {"notes.txt", "text"},
  };
  const auto zipped = open_dataset(pack(files), "");
  unpack(files);
  const auto folder = open_dataset(folder_ / "set", "");
  EXPECT_EQ(folder->classes(), zipped->classes());
  EXPECT_EQ(folder->size(), 2);
  EXPECT_EQ(zipped->size(), 2);
  const std::string left_out = "3 files of other kinds: 2 .bmp, 1 .txt; 4 hidden";
  EXPECT_EQ(to_string(folder->left_out()), left_out);
  EXPECT_EQ(to_string(zipped->left_out()), left_out);
}

TEST_F(DatasetTest, ReadsFromSeveralThreads) {
  std::map<std::string, std::string> pictures;
  for (int i = 0; i < 200; ++i) {
    const auto shade = static_cast<uint8_t>(i);
    pictures[fmt::format("{}/{:03}.png", i % 2, i / 2)] = png_of(4, 4, {shade, 0, 0});
  }
  const auto data = open_dataset(pack(pictures), "");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const int shade = i % 100 * 2 + i / 100;
        if (data->read(i).rgb[0] != shade) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(DatasetTest, NamesWhatIsWrong) {
  EXPECT_THAT(refusal(folder_ / "none", "train"), HasSubstr("none/train: no such folder"));
  const std::filesystem::path zip = pack(pictures_);
  EXPECT_THAT(refusal(zip, ""), HasSubstr("set.zip: its folders are no classes but splits"));
  EXPECT_THAT(refusal(zip, "val"), HasSubstr("set.zip: no folder val in it; found test"));
  EXPECT_THAT(refusal(zip, "train/cat"), HasSubstr("a.png: lies beside 1 class folders"));
  unpack(pictures_);
  EXPECT_THAT(refusal(folder_ / "set", ""), HasSubstr("no classes but splits"));
  EXPECT_THAT(refusal(folder_ / "set", "val"), HasSubstr("set/val: no such folder"));
  EXPECT_THAT(refusal(pack({{"readme.txt", "text"}}), ""), HasSubstr("no folders in it"));
  EXPECT_THAT(refusal(pack({{"readme.txt", "text"}}), "train"),
              HasSubstr("set.zip: no folder train in it, nor any other"));
  EXPECT_THAT(refusal(pack({{"a/1.png", ""}}), ""), HasSubstr("one class only, a"));
  EXPECT_THAT(
      refusal(pack({{"a/1.png", ""}, {"b/", ""}}), ""),
      HasSubstr("no .jpg, .jpeg, .png, .webp, .tif, .tiff, .heic, .heif or .avif in its folder b"));
  write_file(folder_ / "text.zip", "this is text");
  EXPECT_THAT(refusal(folder_ / "text.zip", ""), HasSubstr("text.zip: can't be read as a zip"));
  write_file(folder_ / "empty.zip", "");
  EXPECT_THAT(refusal(folder_ / "empty.zip", ""), HasSubstr("empty.zip"));
}

// All samples of a sound.
std::vector<float> samples_of(SoundReader& sound) {
  std::vector<float> samples(100);
  samples.resize(sound.read(samples));
  return samples;
}

TEST_F(DatasetTest, HoldsSound) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  std::map<std::string, std::string> sounds = {{"a/cover.png", png_of(1, 1, {})},
                                               {"b/1.wav", "this is text"}};
  for (const auto& [name, sample] : {std::pair("a/1.wav", 0.5F), {"a/2.wav", 0.25F}}) {
    write_wav(folder_ / "made.wav", 16'000, 1, {sample, sample});
    sounds[name] = read_text(folder_ / "made.wav");
  }
  unpack(sounds);
  for (const std::filesystem::path& path : {folder_ / "set", pack(sounds)}) {
    const auto data = open_dataset(path, "", {.medium = Medium::sound});
    ASSERT_EQ(data->size(), 3);
    EXPECT_THAT((std::vector{data->label(0), data->label(1), data->label(2)}),
                ElementsAre(0, 0, 1));
    EXPECT_THAT(samples_of(*data->open_sound(1)), ElementsAre(0.25F, 0.25F));
    EXPECT_THAT(error_of([&] { data->open_sound(2); }), HasSubstr("b/1.wav: "));
    EXPECT_EQ(to_string(data->left_out()), "1 file of other kinds: 1 .png");
    EXPECT_THAT(error_of([&] { open_dataset(path, "", {.medium = Medium::video}); }),
                HasSubstr("no .mp4, "));
    write_file(folder_ / "labels.csv", "a/2.wav,x|y\na/1.wav,y\n");
    const auto labelled =
        open_dataset(path, "", {.labels = folder_ / "labels.csv", .medium = Medium::sound});
    EXPECT_THAT(labelled->labels(0), ElementsAre(0, 1));
    EXPECT_THAT(samples_of(*labelled->open_sound(0)), ElementsAre(0.25F, 0.25F));
    EXPECT_EQ(labelled->left_out().unlabelled, 1);
    const SoundPreprocessing spec = {.frames = 4, .filters = 8};
    EXPECT_THAT(error_of([&] { read_input(*data, 0, {.medium = Medium::sound, .sound = spec}); }),
                HasSubstr("a/1.wav: 2 samples of sound"));
  }
}

TEST_F(DatasetTest, HoldsVideos) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const std::string video = read_text(media("short.mp4"));
  const std::map<std::string, std::string> videos = {
      {"a/1.mp4", video}, {"b/x/0.png", png_of(48, 48, {1, 2, 3})}, {"b/2.mp4", video}};
  unpack(videos);
  const DatasetOptions options = {.medium = Medium::video};
  const auto folder = open_dataset(folder_ / "set", "", options);
  ASSERT_EQ(folder->size(), 3) << "a folder of pictures is a video";
  EXPECT_EQ(folder->open_video(0)->count(), 10);
  EXPECT_EQ(folder->open_video(2)->count(), 1);
  const auto zipped = open_dataset(pack(videos), "", options);
  ASSERT_EQ(zipped->size(), 2) << "but not in a zip";
  EXPECT_EQ(zipped->open_video(1)->count(), 10);
  InputSpec spec = {.medium = Medium::video, .frames = 4};
  spec.pictures.height = spec.pictures.width = 32;
  EXPECT_EQ(read_input(*zipped, 1, spec).shape, (Shape{3, 4, 32, 32}));
  EXPECT_EQ(read_input(*zipped, 1, spec).data, read_input(*folder, 0, spec).data);
  write_file(folder_ / "labels.csv", "a/1.mp4,q\nb/x,p\n");
  DatasetOptions by_file = options;
  by_file.labels = folder_ / "labels.csv";
  EXPECT_EQ(open_dataset(folder_ / "set", "", by_file)->open_video(1)->count(), 1);
}

TEST_F(DatasetTest, RefusesEncryptedZips) {
  write_zip(folder_ / "set.zip", {{"a/1.png", "x"}, {"b/1.png", "y"}}, "secret");
  EXPECT_THAT(refusal(folder_ / "set.zip", ""), HasSubstr("a/1.png: encrypted"));
}

TEST_F(DatasetTest, NamesThePictureThatIsBroken) {
  const auto data =
      open_dataset(pack({{"a/1.png", "this is text"}, {"b/1.png", png_of(2, 2, {})}}), "");
  EXPECT_THAT(error_of([&] { data->read(0); }),
              HasSubstr("set.zip: a/1.png: no picture; expected JPEG"));
  EXPECT_EQ(data->read(1).width, 2) << "and goes on";
}

TEST_F(DatasetTest, ComparesTheChecksums) {
  const std::string png = png_of(2, 2, {});
  const std::filesystem::path zip = pack({{"a/1.png", png}, {"b/1.png", png}});
  std::stringstream content;
  content << std::ifstream(zip, std::ios::binary).rdbuf();
  std::string bytes = content.str();
  bytes[bytes.find("PK\x01\x02") + 16] ^= 1;  // where the directory has the first entry's
  write_file(zip, bytes);
  const auto data = open_dataset(zip, "");
  EXPECT_THAT(error_of([&] { data->read(0); }), HasSubstr("set.zip: a/1.png: broken: CRC"));
  EXPECT_EQ(data->read(1).width, 2);
}

}  // namespace
}  // namespace fovea
