// Models of videos and of sound from outside: fovea forward, inspect and bench.
#include <string>
#include <vector>

#include "fovea/io/npy.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string video(const std::string& name) {
  return (test_data() / "goldens-video" / name).string();
}
std::string audio(const std::string& name) {
  return (test_data() / "goldens-audio" / name).string();
}

TEST(CliMediaModels, ForwardTakesVideosAndSpectrograms) {
  const TemporaryFolder folder;
  for (const auto& [model, patches] :
       {std::pair(video("videomae"), 128), {video("mae-st-sep-pos"), 108}, {audio("ast"), 108}}) {
    const std::string output = folder / "out.safetensors";
    expect_done(run_fovea({"forward", model, "--input", model + "/input.npy", "--output", output,
                           "--r", "20,0,9", "--unmerge", "--layers", "1"}));
    const SafeTensors got = SafeTensors::open(output);
    const SafeTensors want = SafeTensors::open(model + "/r20_0_9.safetensors");
    for (const char* name : {"logits", "features", "tokens", "sizes", "source"}) {
      EXPECT_EQ(got.tensors().at(name).shape, want.tensors().at(name).shape) << name;
    }
    const Shape tokens = want.tensors().at("tokens").shape;
    EXPECT_EQ(got.tensors().at("dense").shape, (Shape{tokens[0], patches, tokens[2]}));
    EXPECT_EQ(got.tensors().at("dense.1").shape, (Shape{tokens[0], patches, tokens[2]}));
  }
}

TEST(CliMediaModels, ForwardReachesASpeed) {
  const TemporaryFolder folder;
  const std::string model = audio("ast");
  const Finished finished = run_fovea({"forward", model, "--input", model + "/input.npy",
                                       "--output", folder / "out.safetensors", "--speedup", "1.2"});
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(finished.err, testing::StartsWith("note: --speedup 1.2: r "));
  const SafeTensors got = SafeTensors::open(folder / "out.safetensors");
  EXPECT_LT(got.tensors().at("tokens").shape[1], 110);
}

TEST(CliMediaModels, InputsThatDoNotFitAreNamed) {
  const TemporaryFolder folder;
  const std::string input = folder / "wrong.npy";
  const auto refused = [&](const std::string& model, const Shape& shape,
                           const std::string& fragment) {
    write_npy(input, Array(shape));
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{}, std::vector<std::string>{"--speedup", "1.5"}}) {
      std::vector<std::string> arguments = {"forward", model,      "--input",
                                            input,     "--output", folder / "out"};
      arguments.insert(arguments.end(), more.begin(), more.end());
      expect_refused(run_fovea(arguments), fragment);
    }
  };
  refused(video("videomae"), {1, 3, 64, 64},
          "wrong.npy: videos are [1, 3, 64, 64]; expected [batch, 3, frames, height, width]");
  refused(video("videomae"), {1, 3, 3, 64, 64}, "expected multiples of the tube, 2 x 8 x 8");
  refused(video("mae-st"), {1, 3, 8, 48, 48}, "stored for one size alone; expected 4 frames of 48");
  refused(audio("ast"), {1, 96, 64}, "wrong.npy: spectrograms are [1, 96, 64]: ");
  refused(audio("audiomae"), {96, 128}, "expected [batch, frames, 128]");
}

TEST(CliMediaModels, InspectSaysWhatComesIn) {
  const auto text = [](const std::string& model) {
    const Finished finished = run_fovea({"inspect", model});
    expect_done(finished);
    return finished.out;
  };
  const std::string of_video = text("videomae_base_patch16_224");
  EXPECT_THAT(of_video,
              HasSubstr("input         16 frames of 224 x 224 pixels, tubes of 2 x 16 x 16"));
  EXPECT_THAT(of_video, HasSubstr("positions     sines and cosines\n"));
  EXPECT_THAT(of_video, HasSubstr("1568 tokens"));
  EXPECT_THAT(text(video("mae-st-sep-pos")),
              HasSubstr("positions     learned, of 3 times and 36 places\n"));
  EXPECT_THAT(text(video("videomae-first-token")), HasSubstr("pooled by first patch\n"));
  const std::string of_sound = text("ast_base_patch16_128x1024");
  EXPECT_THAT(of_sound,
              HasSubstr("input         1024 frames of 128 mel bins, patches of 16 x 16, 10 x 10 "
                        "apart\n"));
  EXPECT_THAT(of_sound, HasSubstr("527 classes, pooled by prefix tokens\n"));

  const json line = json::parse(run_fovea({"inspect", video("mae-st"), "--json"}).out);
  EXPECT_EQ(line["medium"], "video");
  EXPECT_EQ(line["patch"], json({2, 8, 8}));
  EXPECT_EQ(line["input_size"], json({4, 48, 48}));
  EXPECT_EQ(line["family"], "MAE-ST");
  const json sound = json::parse(run_fovea({"inspect", audio("ast"), "--json"}).out);
  EXPECT_EQ(sound["medium"], "sound");
  EXPECT_EQ(sound["stride"], json({10, 10}));
  EXPECT_EQ(sound["input_size"], json({96, 128}));
}

TEST(CliMediaModels, SizesAreThoseThatPositionsServe) {
  const Finished larger = run_fovea({"inspect", video("videomae"), "--size", "96", "--json"});
  expect_done(larger);
  EXPECT_EQ(json::parse(larger.out)["tokens_per_layer"][2], 2 * 12 * 12);
  expect_refused(run_fovea({"inspect", video("mae-st"), "--size", "64"}),
                 "--size 64: the model's positions are stored for one size alone; expected 4 "
                 "frames of 48 x 48 pixels");
  expect_refused(run_fovea({"inspect", audio("ast"), "--size", "110x128"}),
                 "expected 96 frames of 128 mel bins");
}

TEST(CliMediaModels, BenchRunsThemOnRandomInputs) {
  for (const std::string& model : {video("videomae"), audio("ast"), audio("audiomae")}) {
    const Finished finished =
        run_fovea({"bench", model, "--r", "0,5", "--batch", "2", "--reps", "1", "--json"});
    expect_done(finished);
    const std::vector<json> rows = json_lines_of(finished.out);
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_GT(rows[0]["gflops_per_image"], rows[1]["gflops_per_image"]);
  }
  EXPECT_THAT(run_fovea({"bench", "--list", "videomae_*"}).out,
              HasSubstr("videomae_base_patch16_224\n"));
}

TEST(CliMediaModels, ConvertKeepsTheirNamesOrGivesThemTimms) {
  const TemporaryFolder folder;
  for (const std::string& model : {video("videomae-original-names"), audio("ast")}) {
    expect_done(run_fovea({"convert", model, "-o", folder / "model"}));
    expect_done(run_fovea({"convert", model, "-o", folder / "timms", "--names", "timm"}));
    std::vector<std::string> answers;
    for (const std::string& copy : {std::string("model"), std::string("timms")}) {
      const std::string output = folder / "out.safetensors";
      expect_done(run_fovea(
          {"forward", folder / copy, "--input", model + "/input.npy", "--output", output}));
      answers.push_back(read_text(output));
      std::filesystem::remove_all(folder / copy);
    }
    EXPECT_TRUE(answers[0] == answers[1]);
  }
}

}  // namespace
}  // namespace fovea
