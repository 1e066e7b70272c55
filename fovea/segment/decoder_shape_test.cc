#include "fovea/segment/decoder_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fovea/io/safetensors.h"
#include "fovea/io/testing.h"
#include "fovea/model/families/family.h"
#include "fovea/model/names.h"
#include "tests/goldens_sam.h"

namespace fovea {
namespace {

using testing::HasSubstr;
using Tensors = std::map<std::string, Array>;

// A case's model, its tensors changed. The file stays mapped after it is gone.
Checkpoint changed(const std::string& name, const std::function<void(Tensors&)>& change) {
  const SafeTensors file = SafeTensors::open(sam_golden(name) / "model.safetensors");
  Tensors tensors;
  for (const auto& [tensor, view] : file.tensors()) {
    tensors[tensor] = {view.shape, to_floats(view, file.file_name())};
  }
  change(tensors);
  std::vector<TensorToWrite> to_be_written;
  for (const auto& [tensor, values] : tensors) to_be_written.push_back(to_write(tensor, values));
  const TemporaryFolder folder;
  write_safetensors(folder / "model.safetensors", to_be_written);
  return Checkpoint::open(folder.path());
}

void erase_under(Tensors& tensors, const std::string& beginning) {
  std::erase_if(tensors, [&](const auto& entry) { return entry.first.starts_with(beginning); });
}

std::string error_of_change(const std::string& name, const std::function<void(Tensors&)>& change) {
  const Checkpoint checkpoint = changed(name, change);
  return error_of([&] { infer_decoder(checkpoint, sam_config(name)); });
}

TEST(InferDecoder, ReadsShapesAndTransformersConfig) {
  const DecoderShape own = sam_shape("sam-padded-window");
  EXPECT_EQ(own.width, 32);
  EXPECT_EQ(own.depth, 2);
  EXPECT_EQ(own.heads, 8);
  EXPECT_EQ(own.token_width, 32);
  EXPECT_EQ(own.picture_width, 16);
  EXPECT_EQ(own.mlp_width, 24);
  EXPECT_EQ(own.masks, 4);
  EXPECT_EQ(own.iou_width, 32);
  EXPECT_EQ(own.half_channels, 8);
  EXPECT_EQ(own.mask_channels, 4);
  EXPECT_EQ(own.prompt_channels, 16);
  EXPECT_EQ(own.prompt_half_channels, 4);
  EXPECT_EQ(own.eps, 1e-5);
  EXPECT_EQ(own.grid, Grid(12, 12));
  EXPECT_EQ(own.patch, 16);
  const DecoderShape other = sam_shape("sam-transformers-names");
  EXPECT_EQ(other.heads, 4);
  EXPECT_EQ(other.eps, 1e-6);
  EXPECT_EQ(other.mlp_width, 40);
  EXPECT_EQ(other.grid, Grid(8, 8));
}

TEST(InferDecoder, ListsEveryTensorOfTheFiles) {
  for (const std::string& name : kSamGoldens) {
    const Checkpoint checkpoint = Checkpoint::open(sam_golden(name));
    std::map<std::string, Shape> listed;
    for_each_tensor(sam_shape(name), [&](const ListedTensor& tensor) {
      EXPECT_TRUE(listed.emplace(tensor.name, tensor.shape).second) << tensor.name;
    });
    size_t count = 0;
    for (const char* part : {"prompt_encoder.", "mask_decoder."}) {
      for (const std::string& tensor : checkpoint.all_under(part)) {
        ++count;
        EXPECT_EQ(listed[tensor], checkpoint.shape(tensor)) << tensor;
      }
    }
    EXPECT_EQ(listed.size(), count);
  }
}

TEST(SamNames, AreKnownAndSpelledBackInBothSpellings) {
  for (const std::string& model : kSamGoldens) {
    const Checkpoint checkpoint = Checkpoint::open(sam_golden(model));
    EXPECT_EQ(&checkpoint.family(""), &kSam);
    EXPECT_EQ(&checkpoint.family("sam_vision_model"), &kSam);
    EXPECT_EQ(checkpoint.file().tensors().size(), checkpoint.all_under("").size());
    for (const std::string& name : checkpoint.all_under("")) {
      const bool is_known = name == "pos_embed" || name.starts_with("blocks.") ||
                            name.starts_with("patch_embed.proj.") || name.starts_with("neck.") ||
                            name.starts_with("prompt_encoder.") ||
                            name.starts_with("mask_decoder.");
      EXPECT_TRUE(is_known) << name;
    }
    for (const char* name : {"patch_embed.proj.weight", "pos_embed", "neck.2.weight", "neck.3.bias",
                             "blocks.1.attns.0.norm.weight", "blocks.1.attns.0.attn.rel_pos_h",
                             "blocks.1.attns.0.attn.qkv.weight", "blocks.1.ffns.0.mlp.fc2.bias",
                             "mask_decoder.output_hypernetworks_mlps.3.layers.2.weight"}) {
      EXPECT_TRUE(checkpoint.has(name)) << name;
    }
  }
}

TEST(SamNames, TellTheThreeLayersOfTransformersApart) {
  const Checkpoint checkpoint = Checkpoint::open(sam_golden("sam-transformers-names"));
  const SafeTensors file =
      SafeTensors::open(sam_golden("sam-transformers-names") / "model.safetensors");
  const std::string mlp = "mask_decoder.output_hypernetworks_mlps.2.";
  const std::pair<const char*, const char*> parts[] = {{"proj_in.weight", "layers.0.weight"},
                                                       {"layers.0.weight", "layers.1.weight"}};
  for (const auto& [theirs, ours] : parts) {
    const TensorView& view = file.tensors().at(mlp + theirs);
    EXPECT_EQ(checkpoint.read(mlp + ours, view.shape).data, to_floats(view, ""));
    EXPECT_EQ(checkpoint.spelling(mlp + ours), mlp + theirs);
  }
}

TEST(SamNames, MayStandBehindWrappers) {
  for (const char* wrapper : {"module.", "sam.", "module.sam.", "net.", "model."}) {
    const Checkpoint checkpoint = changed("sam", [&](Tensors& tensors) {
      Tensors wrapped;
      for (auto& [name, values] : tensors) wrapped[wrapper + name] = values;
      tensors = std::move(wrapped);
    });
    EXPECT_EQ(infer_decoder(checkpoint, {}).width, 32) << wrapper;
    EXPECT_TRUE(has_encoder(checkpoint)) << wrapper;
  }
}

TEST(SamNames, FrequenciesMayBeThereTwice) {
  const Checkpoint checkpoint = changed("sam-transformers-names", [](Tensors& tensors) {
    tensors["prompt_encoder.shared_embedding.positional_embedding"] =
        tensors.at("shared_image_embedding.positional_embedding");
  });
  EXPECT_EQ(infer_decoder(checkpoint, sam_config("sam-transformers-names")).width, 32);
}

TEST(HasDecoder, TellsWhatACheckpointLacks) {
  const Checkpoint encoder = changed("sam", [](Tensors& tensors) {
    erase_under(tensors, "prompt_encoder.");
    erase_under(tensors, "mask_decoder.");
  });
  EXPECT_TRUE(has_encoder(encoder));
  EXPECT_FALSE(has_decoder(encoder));
  EXPECT_EQ(&encoder.family(""), &kSam);
  EXPECT_THAT(error_of([&] { infer_decoder(encoder, {}); }),
              HasSubstr("has no mask decoder, so it can't segment; expected tensors "
                        "prompt_encoder.* and mask_decoder.*"));
  const Checkpoint decoder =
      changed("sam", [](Tensors& tensors) { erase_under(tensors, "image_encoder."); });
  EXPECT_FALSE(has_encoder(decoder));
  EXPECT_TRUE(has_decoder(decoder));
  EXPECT_EQ(infer_decoder(decoder, {}).grid, Grid(64, 64));
  // transformers says it in config.json too.
  const std::string name = "sam-transformers-names";
  const Checkpoint theirs =
      changed(name, [](Tensors& tensors) { erase_under(tensors, "vision_encoder."); });
  EXPECT_EQ(infer_decoder(theirs, sam_config(name)).grid, Grid(8, 8));
  EXPECT_EQ(infer_decoder(theirs, sam_config(name)).patch, 16);
}

TEST(InferDecoder, NamesTensorsThatDoNotFit) {
  EXPECT_THAT(error_of_change("sam",
                              [](Tensors& tensors) {
                                tensors.erase("mask_decoder.transformer.layers.1.norm3.weight");
                              }),
              HasSubstr("tensor mask_decoder.transformer.layers.1.norm3.weight is missing; "
                        "expected [32]"));
  EXPECT_THAT(error_of_change("sam",
                              [](Tensors& tensors) {
                                tensors["prompt_encoder.no_mask_embed.weight"] = Array({1, 31});
                              }),
              HasSubstr("tensor prompt_encoder.no_mask_embed.weight is [1, 31]; expected [1, 32]"));
  EXPECT_THAT(
      error_of_change(
          "sam", [](Tensors& tensors) { erase_under(tensors, "mask_decoder.iou_token.weight"); }),
      HasSubstr("tensor mask_decoder.iou_token.weight is missing"));
  EXPECT_THAT(
      error_of_change("sam", [](Tensors& tensors) { erase_under(tensors, "mask_decoder."); }),
      HasSubstr("tensor mask_decoder.iou_token.weight is missing"));
  EXPECT_THAT(error_of_change("sam",
                              [](Tensors& tensors) {
                                tensors["mask_decoder.output_upscaling.7.weight"] = Array({3});
                              }),
              HasSubstr("tensor mask_decoder.output_upscaling.7.weight is not known"));
  EXPECT_THAT(
      error_of_change("sam-transformers-names",
                      [](Tensors& tensors) { tensors.erase("mask_decoder.upscale_conv2.bias"); }),
      HasSubstr("tensor mask_decoder.upscale_conv2.bias is missing; expected [4]"));
}

TEST(InferDecoder, NamesWhatItsConfigContradicts) {
  const std::string name = "sam-transformers-names";
  const Checkpoint checkpoint = Checkpoint::open(sam_golden(name));
  const auto with = [&](const auto& change) {
    Config config = sam_config(name);
    change(*config.segment);
    return error_of([&] { infer_decoder(checkpoint, config); });
  };
  EXPECT_EQ(with([](SegmentConfig&) {}), "");
  EXPECT_THAT(with([](SegmentConfig& c) { c.heads = 5; }),
              HasSubstr("32 channels of the decoder can't be shared out to 5 heads"));
  EXPECT_THAT(with([](SegmentConfig& c) { c.heads = 32; }),
              HasSubstr("16 channels of the decoder can't be shared out to 32 heads"));
  EXPECT_THAT(with([](SegmentConfig& c) { c.depth = 3; }),
              HasSubstr("the decoder's tensors say num_hidden_layers of 2; config.json says 3"));
  EXPECT_THAT(
      with([](SegmentConfig& c) { c.masks = 3; }),
      HasSubstr("the decoder's tensors say num_multimask_outputs of 3; config.json says 2"));
}

TEST(ParseConfig, ReadsSegmentAnythingsParts) {
  const Config config = sam_config("sam-transformers-names");
  ASSERT_TRUE(config.segment);
  EXPECT_EQ(config.model_type, "sam_vision_model");
  EXPECT_EQ(config.segment->heads, 4);
  EXPECT_EQ(config.segment->cells, Grid(8, 8));
  EXPECT_EQ(config.segment->image_size, Grid(128, 128));
  EXPECT_FALSE(parse_config(R"({"model_type": "vit"})", "config.json").segment);
  const auto error = [](const std::string& text) {
    return error_of([&] { parse_config(text, "config.json"); });
  };
  EXPECT_THAT(error(R"({"mask_decoder_config": {"hidden_act": "gelu"}})"),
              HasSubstr("mask_decoder_config.hidden_act is \"gelu\"; expected relu"));
  EXPECT_THAT(error(R"({"mask_decoder_config": {"iou_head_depth": 4}})"),
              HasSubstr("mask_decoder_config.iou_head_depth is 4; expected 3"));
  EXPECT_THAT(error(R"({"mask_decoder_config": 3})"),
              HasSubstr("mask_decoder_config is 3; expected an object"));
}

}  // namespace
}  // namespace fovea
