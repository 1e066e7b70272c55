// Sounds as people have them, made by ffmpeg and sox, against what ffmpeg decodes.
#include <gtest/gtest.h>

#include <cmath>

#include "fovea/data/media_testing.h"
#include "fovea/io/testing.h"
#include "tests/made_media.h"

namespace fovea {
namespace {

struct Made {
  std::string name;
  int rate;
  int channels;
  std::string tool;    // ffmpeg or sox
  std::string coding;  // its words
};

std::vector<Made> all_made() {
  return {
      {"bytes.wav", 8'000, 1, "sox", "-b 8 -e unsigned-integer"},
      {"shorts.wav", 16'000, 1, "sox", "-b 16"},
      {"high.wav", 22'050, 2, "sox", "-b 24"},
      {"ints.wav", 44'100, 2, "sox", "-b 32 -e signed-integer"},
      {"floats.wav", 48'000, 2, "ffmpeg", "-c:a pcm_f32le"},
      {"doubles.wav", 32'000, 1, "ffmpeg", "-c:a pcm_f64le"},
      {"law.wav", 8'000, 1, "ffmpeg", "-c:a pcm_mulaw"},
      {"surround.wav", 48'000, 6, "ffmpeg", "-c:a pcm_s16le"},
      {"fast.wav", 96'000, 1, "ffmpeg", "-c:a pcm_s24le"},
      {"unknown-length.wav", 16'000, 1, "ffmpeg", "-c:a pcm_s16le -seekable 0"},
      {"stereo.flac", 44'100, 2, "ffmpeg", "-c:a flac"},
      {"surround.flac", 48'000, 6, "ffmpeg", "-c:a flac"},
      {"slow.flac", 11'025, 1, "sox", "-b 16"},
      {"stereo.ogg", 44'100, 2, "ffmpeg", "-c:a libvorbis"},
      {"opus.ogg", 48'000, 2, "ffmpeg", "-c:a libopus"},
      {"stereo.mp3", 44'100, 2, "ffmpeg", "-c:a libmp3lame"},
      {"no-length.mp3", 22'050, 1, "ffmpeg", "-c:a libmp3lame -write_xing 0"},
      {"stereo.m4a", 44'100, 2, "ffmpeg", "-c:a aac"},
      {"surround.m4a", 48'000, 6, "ffmpeg", "-c:a aac"},
      {"lossless.m4a", 44'100, 2, "ffmpeg", "-c:a alac"},
      {"opus.webm", 48'000, 2, "ffmpeg", "-c:a libopus"},
      {"sun.au", 22'050, 1, "sox", ""},
      {"mac.aiff", 44'100, 2, "sox", "-b 16"},
  };
}

// A second of gliding tones, of which each channel has its own.
std::vector<float> glides(int rate, int channels) {
  std::vector<float> samples;
  for (int i = 0; i < rate; ++i) {
    const double t = static_cast<double>(i) / rate;
    for (int channel = 0; channel < channels; ++channel) {
      const double pitch = 200.0 * (channel + 1) + 900 * t;
      samples.push_back(static_cast<float>(0.3 * std::sin(2 * M_PI * pitch * t)));
    }
  }
  return samples;
}

class MadeSound : public testing::TestWithParam<Made> {};

TEST_P(MadeSound, HasTheFilterBanksOfWhatFfmpegDecodes) {
  const Made& made = GetParam();
  FOVEA_SKIP_WHERE(missing_for_video());
  FOVEA_SKIP_WHERE(missing_for_other_rates());
  FOVEA_SKIP_WHERE(missing_tool(made.tool));
  FOVEA_SKIP_WHERE(missing_tool("ffmpeg"));
  const TemporaryFolder folder;
  const std::filesystem::path source = folder / "source.wav";
  write_wav(source, made.rate, made.channels, glides(made.rate, made.channels));
  const std::filesystem::path file = folder / made.name;
  if (made.tool == "sox") {
    std::vector<std::string> words = {source};
    for (const std::string& word : words_of(made.coding)) words.push_back(word);
    words.push_back(file);
    const Finished done = run_tool("sox", words);
    ASSERT_EQ(done.status, 0) << done.err;
  } else if (!make_with_ffmpeg("-i " + source.string() + " " + made.coding, file)) {
    GTEST_SKIP() << "skipped: this ffmpeg has no encoder for " << made.coding;
  }
  const std::filesystem::path decoded = folder / "decoded.wav";
  ASSERT_TRUE(make_with_ffmpeg("-i " + file.string() + " -c:a pcm_f32le", decoded));
  const std::vector<float> found = log_mel_of(open_sound(file));
  const std::vector<float> expected = log_mel_of(open_sound(decoded));
  ASSERT_EQ(found.size(), expected.size());
  EXPECT_LE(largest_difference(found, expected), 0.05F);
}

INSTANTIATE_TEST_SUITE_P(All, MadeSound, testing::ValuesIn(all_made()),
                         [](const testing::TestParamInfo<Made>& info) {
                           std::string name = info.param.name;
                           std::erase_if(name, [](char c) { return !std::isalnum(c); });
                           return name;
                         });

// Not the first sound that comes, but that of the video.
TEST(Sound, IsThatOfAVideo) {
  FOVEA_SKIP_WHERE(missing_for_video());
  FOVEA_SKIP_WHERE(missing_for_other_rates());
  FOVEA_SKIP_WHERE(missing_tool("ffmpeg"));
  const TemporaryFolder folder;
  write_wav(folder / "source.wav", 16'000, 1, glides(16'000, 1));
  const std::filesystem::path file = folder / "video.mkv";
  ASSERT_TRUE(make_with_ffmpeg("-i " + media("shapes.mp4").string() + " -i " +
                                   (folder / "source.wav").string() + " -c:v copy -c:a pcm_f32le",
                               file));
  EXPECT_LE(largest_difference(log_mel_of(open_sound(file)),
                               log_mel_of(open_sound(folder / "source.wav"))),
            1e-3F);
  EXPECT_EQ(open_video(file)->count(), 40);
}

}  // namespace
}  // namespace fovea
