// What `fovea segment` refuses: prompts, outputs, embeddings and models that don't go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fovea/io/npy.h"
#include "tests/cli_segment_testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;

namespace fs = std::filesystem;

using CliSegmentErrors = CliSegment;

TEST_F(CliSegmentErrors, EmbeddingsOfOthers) {
  expect_done(segment({"--save-embedding", path("e.safetensors")}));
  const std::vector<std::string> ask = {"--point", "45,40", "--json", "--embedding",
                                        path("e.safetensors")};
  const auto with = [&](const std::vector<std::string>& before,
                        const std::vector<std::string>& after = {}) {
    std::vector<std::string> all = {"segment"};
    all.insert(all.end(), before.begin(), before.end());
    all.insert(all.end(), ask.begin(), ask.end());
    all.insert(all.end(), after.begin(), after.end());
    return run_fovea(all);
  };
  expect_refused(with({sam_model("sam")}), "e.safetensors: is the embedding of another model");
  expect_refused(with({sam_model()}, {"--size", "192"}),
                 "e.safetensors: is an embedding of 128 pixels; expected one of 192");
  expect_refused(with({sam_model(), picture("photo.jpg")}), "as the picture of");
  expect_refused(with({sam_model()}, {"--overlay", path("o.png")}),
                 "holds no picture to draw on; expected an IMAGE as well");
  expect_refused(with({sam_model(), golden_picture(), picture("photo.jpg")}),
                 "for 2 pictures; expected the one that it is of");
  expect_refused(run_fovea({"segment", sam_model(), "--point", "4,4", "--json", "--embedding",
                            sam_model("sam") + "/model.safetensors"}),
                 "has no tensor embedding; expected an embedding that fovea segment");
}

TEST_F(CliSegmentErrors, Prompts) {
  const auto refused = [](std::vector<std::string> options, const std::string& fragment) {
    options.emplace_back("--json");
    expect_refused(segment(options), fragment);
  };
  const std::string at = golden_picture() + ": ";
  refused({"--point", "150,40"}, at + "the point 150,40 lies outside of the picture of 150 x 100");
  refused({"--point", "-3,40"}, "the point -3,40 lies outside");
  refused({"--point", "45,40,2"}, "--point 45,40,2: expected the label 1");
  refused({"--point", "45"}, "--point 45: expected X,Y or X,Y,LABEL");
  refused({"--point", "45,x"}, "--point 45,x: expected X,Y");
  refused({"--box", "30,10,120"}, "--box 30,10,120: expected X0,Y0,X1,Y1");
  refused({"--box", "30,10,30,90"}, at + "the box 30,10,30,90 has no area");
  refused({"--box", "30,10,151,90"}, "the box 30,10,151,90 lies outside");
  refused({"--box", "1,1,5,5", "--box", "9,9,1,1"}, at + "prompt 1: the box 9,9,1,1 has no area");
  refused({}, "nothing is asked; expected --point, --box, --prompts or --everything");
  refused({"--point", "4,4", "--everything"}, "--everything: with --point, --box or --prompts");
  write_file(folder_ / "p.json", R"([{"points": [[4, 4]], "colour": 3}])");
  refused({"--prompts", path("p.json")}, "p.json: prompt 0: has the key colour; expected name");
  refused({"--prompts", path("p.json"), "--point", "4,4"}, "with --point or --box");
  write_npy(folder_ / "m.npy", Array({1, 8, 8}, std::vector<float>(64)));
  write_file(folder_ / "p.json", R"([{"name": "m", "mask": "m.npy"}])");
  refused({"--prompts", path("p.json")}, at + "prompt m: ");
  refused({"--point", "4,4", "--rle", "short"}, "--rle short: expected counts or compressed");
  refused({"--point", "4,4", "--size", "100"}, "--size 100");
  refused({"--point", "4,4", "--size", "128x192"}, "--size 128x192: expected the side of a square");
  refused({"--everything", "--points-per-side", "0"}, "--points-per-side 0");
  refused({"--everything", "--pred-iou-thresh", "2"}, "--pred-iou-thresh 2");
}

TEST_F(CliSegmentErrors, Outputs) {
  const auto refused = [](std::vector<std::string> options, const std::string& fragment) {
    options.insert(options.end(), {"--point", "45,40"});
    expect_refused(segment(options), fragment);
  };
  refused({}, "nothing is to be written; expected --output, --overlay, --cutout, --json or");
  refused({"-o", path("mask.jpg")}, "mask.jpg: expected a name that ends in .png");
  refused({"-o", path("masks.json")}, "masks.json: expected a name that ends in .png");
  refused({"-o", path("none/mask.png")}, "there is no folder");
  refused({"-o", golden_picture()}, "would overwrite the picture");
  refused({"-o", path("a.png"), "--cutout", path("a.png")}, "a.png: is to be two outputs");
  refused({"--save-embedding", path("e.npy")}, "e.npy: expected a name that ends in .safetensors");
  expect_refused(run_fovea({"segment", sam_model(), golden_picture(), picture("photo.jpg"),
                            "--point", "4,4", "-o", path("mask.png")}),
                 "mask.png: expected a folder for the files of 2 pictures");
  expect_refused(run_fovea({"segment", sam_model(), "--point", "4,4", "--json"}),
                 "no picture; expected an IMAGE, or --embedding");
}

// A model with some of the golden's tensors.
void write_part(const fs::path& to, const std::string& prefix) {
  const SafeTensors file = SafeTensors::open(kSam / "sam" / "model.safetensors");
  std::vector<TensorToWrite> tensors;
  for (const auto& [name, tensor] : file.tensors()) {
    if (name.starts_with(prefix)) {
      tensors.push_back({name, tensor.dtype, tensor.shape, tensor.bytes});
    }
  }
  write_safetensors(to, tensors);
}

TEST_F(CliSegmentErrors, ModelsThatCanNotSegment) {
  write_part(folder_ / "encoder.safetensors", "image_encoder.");
  const std::vector<std::string> ask = {golden_picture(), "--point", "4,4", "--json"};
  const auto refused = [&](const std::string& of, const std::string& fragment) {
    std::vector<std::string> arguments = {"segment", of};
    arguments.insert(arguments.end(), ask.begin(), ask.end());
    expect_refused(run_fovea(arguments), fragment);
  };
  refused(path("encoder.safetensors"),
          "encoder.safetensors: has an image encoder, but no prompt encoder and mask decoder");
  refused(golden_path("vit"), "is no Segment Anything");
  refused("vit_tiny_patch16_224", "is no Segment Anything; expected sam_vit_b");
  // The encoder still embeds.
  expect_done(run_fovea(
      {"embed", path("encoder.safetensors"), golden_picture(), "-o", path("features.npy")}));
  EXPECT_THAT(read_npy(path("features.npy")).shape, ElementsAre(1, 32));
}

}  // namespace
}  // namespace fovea
