// `fovea visualize` of videos and sound: what is drawn where, at which pace, and what is refused.
#include <set>

#include "fovea/data/clip.h"
#include "fovea/data/log_mel.h"
#include "fovea/data/media_testing.h"
#include "fovea/data/preprocess.h"
#include "fovea/data/testing.h"
#include "fovea/fovea.h"
#include "fovea/report/groups.h"
#include "fovea/report/principal.h"
#include "fovea/report/spectrogram.h"
#include "tests/cli_testing.h"
#include "tests/made_media.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

// 4 frames of 64 x 64 pixels in tubes of 2 x 8 x 8, 3 layers.
const std::string kVideoModel = test_data() / "goldens-video" / "videomae";
// 96 frames of 128 bins, 3 layers; patches 10 apart, of which rows are frequencies, or side by
// side, of which rows are times.
const std::string kAst = test_data() / "goldens-audio" / "ast";
const std::string kAudioMae = test_data() / "goldens-audio" / "audiomae";

class CliVisualizeMedia : public testing::Test {
 protected:
  Finished visualize(const std::string& model, const std::string& output,
                     const std::vector<std::string>& words) const {
    std::vector<std::string> command = {"visualize", model, "-o", out(output)};
    command.insert(command.end(), words.begin(), words.end());
    return run_fovea(command);
  }
  std::string out(const std::string& name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
};

// The tokens of patches after a layer, as the library tells them.
std::vector<int32_t> tokens_after(const std::string& model, const Array& input, int r, int layer) {
  const Model loaded = Model::load(model, {.threads = 1});
  RunOptions options{.want_trace = true};
  options.merge.schedule.r = r;
  const IntArray trace = loaded.run(input, options).trace;
  const auto first = trace.data.begin() + (layer - 1) * trace.shape[2];
  return {first + loaded.architecture().prefix(), first + trace.shape[2]};
}

// The frames as the model sees them, and its tokens drawn over them.
std::vector<std::vector<Image>> expected_rows(int enlarged) {
  Preprocessing spec = read_config(kVideoModel).preprocessing;
  spec.height = spec.width = 64;
  const std::unique_ptr<FrameSource> video = open_video(media("shapes.mp4"));
  const std::vector<int64_t> places = clip_places(video->count(), 4, 2);
  std::vector<Image> frames;
  for (const Image& frame : frames_at(*video, places)) {
    frames.push_back(resize_and_crop(frame, spec, "frame", enlarged));
  }
  Array input = preprocess_clip(*video, places, spec);
  input.shape = {1, 3, 4, 64, 64};
  const std::vector<int32_t> tokens = tokens_after(kVideoModel, input, 30, 3);
  std::vector<PatchLabels> labels;
  for (int i = 0; i < 4; ++i) {
    const auto first = tokens.begin() + i / 2 * 64;
    labels.push_back({8, 8, {first, first + 64}});
  }
  return {frames, draw_groups(frames, labels)};
}

TEST_F(CliVisualizeMedia, OfAVideoDrawsTokensBelowItsFrames) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const Finished done = visualize(kVideoModel, "a.png",
                                  {media("shapes.mp4"), "--stride", "2", "--r", "30", "--json"});
  expect_done(done);
  const json line = json::parse(done.out);
  EXPECT_EQ(line.at("patches"), 128);
  EXPECT_EQ(line.at("layers"), json({3}));
  EXPECT_EQ(line.at("groups"), json({38}));
  EXPECT_EQ(line.at("seconds"), 0.32) << "4 frames, 2 of 40 ms apart";
  const Image sheet = read_image(out("a.png"));
  ASSERT_EQ(sheet.width, 4 * 192 + 3 * 12);
  ASSERT_EQ(sheet.height, 2 * 192 + 12);
  const std::vector<std::vector<Image>> rows = expected_rows(3);
  for (int row = 0; row < 2; ++row) {
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(part(sheet, i * 204, row * 204, 192, 192).rgb, rows[row][i].rgb) << row << ' ' << i;
    }
  }
}

// Of an APNG, in milliseconds.
std::vector<int> delays_of(const std::string& apng) {
  std::vector<int> delays;
  for (size_t at = apng.find("fcTL"); at != std::string::npos; at = apng.find("fcTL", at + 1)) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(apng.at(at + 4 + i)); };
    delays.push_back((byte(20) << 8 | byte(21)) * 1000 / (byte(22) << 8 | byte(23)));
  }
  return delays;
}

TEST_F(CliVisualizeMedia, OfAVideoAnimatesAtItsPace) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const std::string shapes = media("shapes.mp4");
  const Finished done =
      visualize(kVideoModel, "a.apng", {shapes, "--stride", "2", "--r", "30", "--layers", "1,3"});
  expect_done(done);
  EXPECT_THAT(done.out, HasSubstr("128 patches in 0.32 s, 98 38 groups after layer 1 3: "));
  EXPECT_EQ(delays_of(read_all(out("a.apng"))), std::vector<int>(4, 80));
  const Image first = read_image(out("a.apng"));
  ASSERT_EQ(first.width, 3 * 384 + 2 * 12);
  ASSERT_EQ(first.height, 384);
  const std::vector<std::vector<Image>> rows = expected_rows(6);
  EXPECT_EQ(part(first, 0, 0, 384, 384).rgb, rows[0][0].rgb);
  EXPECT_EQ(part(first, 2 * 396, 0, 384, 384).rgb, rows[1][0].rgb);
  expect_done(visualize(kVideoModel, "b.gif", {shapes, "--r", "30"}));
  EXPECT_THAT(read_all(out("b.gif")), StartsWith("GIF89a"));
  expect_done(visualize(kVideoModel, "new/", {shapes, shapes, "--r", "30", "--animate"}));
  EXPECT_EQ(read_all(out("new/shapes.gif")), read_all(out("b.gif")));
  EXPECT_TRUE(fs::exists(out("new/shapes-2.gif")));
}

TEST_F(CliVisualizeMedia, OneAnimationHasOnePace) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const std::string shapes = media("shapes.mp4");
  expect_done(visualize(kVideoModel, "a.apng", {shapes, shapes, "--r", "30"}));
  EXPECT_EQ(read_image(out("a.apng")).width, 4 * 384 + 3 * 12);
  expect_refused(visualize(kVideoModel, "b.gif", {shapes, media("variable.webm"), "--r", "30"}),
                 "variable.webm: has another pace than the files before it");
  EXPECT_FALSE(fs::exists(out("b.gif")));
}

TEST_F(CliVisualizeMedia, OfAFolderOfPicturesShowsTwentyFiveASecond) {
  const fs::path clip = folder_ / "clip";
  fs::create_directory(clip);
  for (uint8_t i = 0; i < 4; ++i) {
    write_file(clip / (std::to_string(i) + ".png"), png_of(64, 64, {i, 9, 9}));
  }
  const Finished done = visualize(kVideoModel, "c.apng", {clip, "--r", "30", "--stride", "3"});
  expect_done(done);
  EXPECT_EQ(delays_of(read_all(out("c.apng"))), std::vector<int>(4, 120));
  EXPECT_THAT(done.out, HasSubstr("128 patches, 38 groups"));
}

// A blue box that moves over bars which don't.
TEST_F(CliVisualizeMedia, AMovingObjectKeepsItsColour) {
  FOVEA_SKIP_WHERE(missing_for_video());
  FOVEA_SKIP_WHERE(missing_tool("ffmpeg"));
  const fs::path video = folder_ / "box.mkv";
  ASSERT_TRUE(make_with_ffmpeg(
      "-f lavfi -i smptehdbars=size=224x224:rate=25 -f lavfi -i color=c=0x2040e0:size=80x80 "
      "-filter_complex [0][1]overlay=x=2*n:y=60:shortest=0 -frames:v 61 -c:v ffv1",
      video));
  const Finished done =
      visualize("videomae_small_patch16_224", "a.png", {video, "--r", "110", "--layers", "12"});
  EXPECT_EQ(done.status, 0);
  const Image sheet = read_image(out("a.png"));
  ASSERT_EQ(sheet.width, 16 * 224 + 15 * 12);
  std::set<Rgb> colours;
  for (int i = 0; i < 16; ++i) {
    const int left = i * 236 + 2 * 4 * i;
    const Image seen = part(sheet, left + 40, 100, 1, 1);
    const Image drawn = part(sheet, left + 40, 236 + 104, 1, 1);
    EXPECT_GT(seen.rgb[2], 200);
    colours.insert({drawn.rgb[0], drawn.rgb[1], drawn.rgb[2]});
  }
  EXPECT_EQ(colours.size(), 1U);
}

// The patch of a place along an axis, of overlapping ones that whose centre is nearest.
int nearest(int place, int patch, int step, int count) {
  int best = 0;
  for (int i = 0; i < count; ++i) {
    const auto off = [&](int k) { return std::abs(2 * (place - k * step) + 1 - patch); };
    if (off(i) <= off(best)) best = i;
  }
  return best;
}

struct SoundCase {
  std::string model, file;
  int frames, bins;  // that patches reach
  int step, times, frequencies;
  bool frequency_first;
};

void PrintTo(const SoundCase& of, std::ostream* to) { *to << of.model << ' ' << of.file; }

class CliVisualizeSound : public CliVisualizeMedia,
                          public testing::WithParamInterface<SoundCase> {};

TEST_P(CliVisualizeSound, DrawsTokensBelowTheSpectrogram) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  FOVEA_SKIP_WHERE(missing_for_other_rates());
  const SoundCase& is = GetParam();
  const std::string file = media(is.file);
  const Finished done =
      visualize(is.model, "a.png", {file, "--r", "6", "--layers", "1,3", "--json"});
  expect_done(done);
  const int patches = is.times * is.frequencies;
  const json line = json::parse(done.out);
  EXPECT_EQ(line.at("patches"), patches);
  EXPECT_EQ(line.at("groups"), json({patches - 6, patches - 18}));
  EXPECT_NEAR(line.at("seconds"), 0.01 * (is.frames - 1) + 0.025, 1e-9);

  const Spectrogram sound = spectrogram_of(log_mel_of(open_sound(file)), 128, is.frames, is.bins);
  const Image sheet = read_image(out("a.png"));
  const int width = 4 * is.frames;
  const int height = 4 * is.bins;
  ASSERT_EQ(sheet.width, width);
  ASSERT_EQ(sheet.height, 3 * height + 2 * 12);
  EXPECT_EQ(part(sheet, 0, 0, width, height).rgb, draw_spectrogram(sound, 4).rgb);
  const Model model = Model::load(is.model, {.threads = 1});
  const std::vector<int32_t> tokens = tokens_after(is.model, model.preprocess(file), 6, 3);
  PatchLabels labels{is.bins, is.frames, {}};
  for (int bin = is.bins - 1; bin >= 0; --bin) {
    for (int frame = 0; frame < is.frames; ++frame) {
      const int time = nearest(frame, 16, is.step, is.times);
      const int frequency = nearest(bin, 16, is.step, is.frequencies);
      labels.of.push_back(tokens[is.frequency_first ? frequency * is.times + time
                                                    : time * is.frequencies + frequency]);
    }
  }
  const Image drawn = draw_groups(draw_spectrogram(sound, 4), labels, level_colours(sound, labels));
  EXPECT_EQ(part(sheet, 0, 2 * (height + 12), width, height).rgb, drawn.rgb);
}

INSTANTIATE_TEST_SUITE_P(
    All, CliVisualizeSound,
    testing::Values(SoundCase{kAst, "sweep-16k.wav", 96, 126, 10, 9, 12, true},
                    SoundCase{kAst, "stereo-44k.flac", 48, 126, 10, 9, 12, true},
                    SoundCase{kAudioMae, "sweep-16k.wav", 96, 128, 16, 6, 8, false},
                    SoundCase{kAudioMae, "stereo-44k.flac", 48, 128, 16, 6, 8, false}));

TEST_F(CliVisualizeMedia, OfASoundAnimatesLayerByLayer) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  const Finished done = visualize(kAst, "a.apng", {media("sweep-16k.wav"), "--json"});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.err, "note: --r 27, as none is given: about a quarter of the patches is left\n");
  EXPECT_EQ(json::parse(done.out).at("layers"), json({1, 2, 3}));
  EXPECT_EQ(delays_of(read_all(out("a.apng"))), (std::vector<int>{1500, 500, 500, 2500}));
  EXPECT_EQ(read_image(out("a.apng")).height, 4 * 126);
}

// A colour of the right place in each block of 24 x 24 pixels of a frame: 8 x 8 patches.
std::vector<Rgb> blocks_of(const Image& frame) {
  std::vector<Rgb> colours;
  for (int y = 12; y < frame.height; y += 24) {
    for (int x = 12; x < frame.width; x += 24) {
      const Image pixel = part(frame, x, y, 1, 1);
      colours.push_back({pixel.rgb[0], pixel.rgb[1], pixel.rgb[2]});
    }
  }
  return colours;
}

TEST_F(CliVisualizeMedia, PcaShowsComponentsOfFeaturesOfAllFrames) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const std::string shapes = media("shapes.mp4");
  const Finished done = visualize(kVideoModel, "a.png", {shapes, "--pca", "--json"});
  expect_done(done);
  const Model model = Model::load(kVideoModel, {.threads = 1});
  const Array dense = dense_features(model.run(model.preprocess(shapes)), 0, 0);
  const PrincipalComponents components = principal_components(dense, 3);
  const std::vector<Rgb> expected = component_colours(project(components, dense));
  const Image sheet = read_image(out("a.png"));
  for (int i = 0; i < 4; ++i) {
    const auto first = expected.begin() + i / 2 * 64;
    EXPECT_EQ(blocks_of(part(sheet, i * 204, 204, 192, 192)), std::vector<Rgb>(first, first + 64))
        << i;
  }
  const json line = json::parse(done.out);
  EXPECT_EQ(line.at("patches"), 128);
  EXPECT_NEAR(line.at("variance")[0][0].get<double>(), components.shares[0], 1e-5);
}

TEST_F(CliVisualizeMedia, PcaGoesOnPastBrokenFiles) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const std::string shapes = media("shapes.mp4");
  const Finished done = visualize(kVideoModel, "new/", {media("truncated.mp4"), shapes, "--pca"});
  EXPECT_EQ(done.status, 1);
  expect_done(visualize(kVideoModel, "a.png", {shapes, "--pca"}));
  EXPECT_EQ(read_all(out("new/shapes.png")), read_all(out("a.png")));
}

TEST_F(CliVisualizeMedia, GoesOnPastBrokenFiles) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const Finished done =
      visualize(kVideoModel, "a.png", {media("truncated.mp4"), media("shapes.mp4"), "--r", "30"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("truncated.mp4: broken video"));
  EXPECT_EQ(read_image(out("a.png")).height, 2 * 192 + 12);
}

TEST_F(CliVisualizeMedia, RefusesInOneLine) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const std::string shapes = media("shapes.mp4");
  expect_refused(visualize(kVideoModel, "a.png", {shapes, "--layers", "4"}),
                 "--layers 4: expected a whole number from 1 to 3");
  expect_refused(visualize(kVideoModel, "a.png", {shapes, "--stride", "0"}),
                 "--stride 0: expected a whole number from 1");
  expect_refused(visualize(kAst, "a.png", {media("sweep-16k.wav"), "--stride", "2"}),
                 "is no model of videos");
  expect_refused(visualize(golden_path("vit"), "a.png", {picture("photo.jpg"), "--stride", "2"}),
                 "is no model of videos");
  expect_refused(visualize(kVideoModel, "a.mp4", {shapes, "--r", "2"}),
                 "expected a name that ends in .png");
  expect_refused(visualize(kVideoModel, "a.png", {picture("photo.jpg"), "--r", "2"}),
                 "is a JPEG picture; expected a video");
  expect_refused(visualize(kVideoModel, "a.png", {media("no-index.mp4"), "--r", "2"}),
                 "moov atom not found");
  expect_refused(visualize(kAst, "a.png", {shapes, "--r", "2"}), "shapes.mp4: holds no sound");
  expect_refused(visualize(kVideoModel, "a.png", {shapes, shapes, "--size", "4096"}),
                 "name a folder for a file of each");
  EXPECT_EQ(folder_.count(), 0U);
}

}  // namespace
}  // namespace fovea
