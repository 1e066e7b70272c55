// Reading sound: what is refused, and what comes out of whole files.
#include "fovea/data/sound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "fovea/data/media_testing.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::filesystem::path& path) {
  return error_of([&] { log_mel_of(open_sound(path)); });
}

std::vector<float> samples_of(const std::filesystem::path& path) {
  const std::unique_ptr<SoundReader> sound = open_sound(path);
  std::vector<float> all;
  std::vector<float> block(1000);
  while (const size_t count = sound->read(block)) {
    all.insert(all.end(), block.begin(), block.begin() + static_cast<ptrdiff_t>(count));
  }
  return all;
}

TEST(Sound, IsTheMeanOfItsChannels) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  const TemporaryFolder folder;
  write_wav(folder / "a.wav", 16'000, 2, {0.5F, -1.5F, 3, 1});
  EXPECT_EQ(samples_of(folder / "a.wav"), (std::vector<float>{-0.5F, 2}));
  EXPECT_EQ(open_sound(folder / "a.wav")->rate(), 16'000);
}

TEST(Sound, IsRefusedInOneLine) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  const TemporaryFolder folder;
  write_file(folder / "empty.wav", "");
  EXPECT_THAT(refusal(folder / "empty.wav"), HasSubstr("empty.wav: is empty"));
  write_wav(folder / "none.wav", 16'000, 1, {});
  EXPECT_THAT(refusal(folder / "none.wav"), HasSubstr("none.wav: holds no sound"));
  write_wav(folder / "short.wav", 16'000, 1, std::vector<float>(399));
  EXPECT_THAT(refusal(folder / "short.wav"),
              HasSubstr("short.wav: 399 samples of sound at 16000 Hz; expected at least 400"));
  std::vector<float> samples(1000);
  samples[700] = std::numeric_limits<float>::quiet_NaN();
  write_wav(folder / "nan.wav", 16'000, 1, samples);
  EXPECT_THAT(refusal(folder / "nan.wav"), HasSubstr("nan.wav: sample 700 is nan"));
  samples[700] = -std::numeric_limits<float>::infinity();
  write_wav(folder / "inf.wav", 16'000, 1, samples);
  EXPECT_THAT(refusal(folder / "inf.wav"), HasSubstr("inf.wav: sample 700 is -inf"));
  write_wav(folder / "slow.wav", 10, 1, samples);
  EXPECT_THAT(refusal(folder / "slow.wav"), HasSubstr("slow.wav: sound of 10 Hz; expected 1000"));
  const std::string wav = read_text(media("sweep-16k.wav"));
  write_file(folder / "cut.wav", wav.substr(0, 20'000));
  EXPECT_THAT(refusal(folder / "cut.wav"), HasSubstr("cut.wav: ends after 20000 of 32044 bytes"));
  const std::string flac = read_text(media("stereo-44k.flac"));
  write_file(folder / "cut.flac", flac.substr(0, flac.size() / 2));
  EXPECT_THAT(error_of([&] { samples_of(folder / "cut.flac"); }),
              HasSubstr("cut.flac: ends after "));
  write_file(folder / "broken.wav", wav.substr(0, 16) + std::string(40, '\x7f'));
  EXPECT_THAT(refusal(folder / "broken.wav"), HasSubstr("broken.wav: "));
  std::filesystem::copy_file(test_data() / "goldens-preprocess" / "photo.jpg", folder / "a.wav");
  EXPECT_THAT(refusal(folder / "a.wav"), HasSubstr("a.wav: is a JPEG picture; expected sound"));
}

TEST(Sound, ThatAFileOfVideoLacksIsRefused) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const TemporaryFolder folder;
  EXPECT_THAT(refusal(media("shapes.mp4")), HasSubstr("shapes.mp4: holds no sound"));
  EXPECT_THAT(refusal(media("no-index.mp4")), HasSubstr("moov atom not found"));
  write_file(folder / "text.m4a", "no sound");
  EXPECT_THAT(refusal(folder / "text.m4a"), HasSubstr("no video or sound that FFmpeg reads"));
  EXPECT_EQ(samples_of(media("audio-only.mp4")).size(), 8192U);
}

TEST(Sound, SurvivesBrokenBytes) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  FOVEA_SKIP_WHERE(missing_for_video());
  int read = 0;
  for (const std::string name :
       {"sweep-16k.wav", "bursts-16k-float.wav", "stereo-44k.flac", "audio-only.mp4"}) {
    for_broken(read_text(media(name)), 250, [&](std::span<const std::byte> bytes) {
      error_of([&] {
        const std::unique_ptr<SoundReader> sound = open_sound(bytes_in_memory(bytes, name));
        std::vector<float> block(4096);
        for (int i = 0; i < 100 && sound->read(block) > 0; ++i) {
          for (const float sample : block) ASSERT_TRUE(std::isfinite(sample));
        }
        ++read;
      });
    });
  }
  EXPECT_GT(read, 0);
}

}  // namespace
}  // namespace fovea
