#include "fovea/model/prefix.h"

#include <gtest/gtest.h>

#include "fovea/io/tensor_file.h"
#include "fovea/model/location.h"
#include "fovea/model/testing.h"

namespace fovea {
namespace {

std::vector<std::string> with(const std::string& prefix, std::vector<std::string> names) {
  for (std::string& name : names) name.insert(0, prefix);
  return names;
}
std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const std::vector<std::string> kTimms = {"cls_token", "blocks.0.norm1.weight", "norm.bias"};
const std::vector<std::string> kHf = {"encoder.layer.0.layernorm_before.weight", "layernorm.bias",
                                      "embeddings.cls_token"};

TEST(Wrapper, IsWhatStandsBeforeAllNames) {
  for (const char* prefix : {"", "module.", "net.", "base_model.model.", "student.backbone.",
                             "teacher.backbone.", "my-model_2.x.", "a.b.c.d."}) {
    EXPECT_EQ(wrapper_of(with(prefix, kTimms)), prefix);
    EXPECT_EQ(wrapper_of(with(prefix, kHf)), prefix);
  }
}

TEST(Wrapper, IsNotWhatALibraryPutsThere) {
  for (const char* own : {"vit.", "beit.", "dinov2.", "vision_model.", "clip.vision_model."}) {
    EXPECT_EQ(wrapper_of(with(own, kHf)), "") << own;
    EXPECT_EQ(wrapper_of(with(std::string("model.") + own, kHf)), "model.") << own;
  }
  EXPECT_EQ(wrapper_of({"visual.conv1.weight", "visual.transformer.resblocks.0.ln_1.bias"}), "");
}

TEST(Wrapper, MayBeMissedByWhatIsNoneOfTheModel) {
  EXPECT_EQ(
      wrapper_of(with("backbone.", kTimms) +
                 std::vector<std::string>{"dino_head.mlp.0.weight", "head.last_layer.weight_g"}),
      "backbone.");
  EXPECT_EQ(wrapper_of(with("net.", kTimms) + std::vector<std::string>{"other.weight"}), "");
}

TEST(Wrapper, MakesNoNameAnothers) {
  EXPECT_EQ(wrapper_of(with("module.", kTimms) +
                       std::vector<std::string>{"mask_token", "module.mask_token"}),
            "");
}

TEST(Wrapper, IsTakenOffModelsAlone) {
  EXPECT_EQ(wrapper_of({}), "");
  EXPECT_EQ(wrapper_of({"net.layer1.0.conv1.weight", "net.fc.bias"}), "");
}

TEST(Wrapper, IsNoneOfTheGoldens) {
  for (const char* collection : {"goldens", "goldens-families"}) {
    for (const std::string& name : golden_names(collection)) {
      std::vector<std::string> names;
      const TensorFile file = TensorFile::open(weights_of(golden(name)));
      for (const auto& [tensor, view] : file.tensors()) names.push_back(tensor);
      EXPECT_EQ(wrapper_of(names), "") << name;
    }
  }
}

}  // namespace
}  // namespace fovea
