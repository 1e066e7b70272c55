#include "fovea/segment/embedding_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using Metadata = std::map<std::string, std::string>;

const Metadata kGood = {{"encoder", "0123456789abcdef"},
                        {"height", "100"},
                        {"picture", "a.png"},
                        {"size", "128"},
                        {"width", "150"}};

class EmbeddingFileTest : public testing::Test {
 protected:
  std::string error_with(const std::vector<TensorToWrite>& tensors, const Metadata& metadata) {
    write_safetensors(folder_ / "e.safetensors", tensors, metadata);
    return error_of([&] { read_embedding(folder_ / "e.safetensors"); });
  }

  TemporaryFolder folder_;
  Array values_{{1, 2, 8, 8}, std::vector<float>(128, 1.5F)};
};

TEST_F(EmbeddingFileTest, ComesBack) {
  const std::filesystem::path path = folder_ / "e.safetensors";
  values_.data[77] = -3.25F;
  write_embedding(path, {values_, place_picture(150, 100, 128), "a.png", "0123456789abcdef"});
  const PictureEmbedding back = read_embedding(path);
  EXPECT_EQ(back.values.shape, values_.shape);
  EXPECT_EQ(back.values.data, values_.data);
  EXPECT_EQ(back.placement, (PicturePlace{150, 100, 128, 85, 128}));
  EXPECT_EQ(back.picture, "a.png");
  EXPECT_EQ(back.encoder, "0123456789abcdef");
}

TEST_F(EmbeddingFileTest, OtherFilesAreRefused) {
  const std::string expected = "expected an embedding that fovea segment --save-embedding wrote";
  const auto refused = [&](const std::string& what) {
    return AllOf(HasSubstr("e.safetensors: " + what), HasSubstr(expected));
  };
  EXPECT_EQ(error_with({to_write("embedding", values_)}, kGood), "");
  EXPECT_THAT(error_with({to_write("logits", values_)}, kGood), refused("has no tensor embedding"));
  for (const auto& [key, text] : kGood) {
    Metadata without = kGood;
    without.erase(key);
    EXPECT_THAT(error_with({to_write("embedding", values_)}, without),
                refused("its metadata has no " + key));
  }
  for (const char* side : {"0", "-4", "x", "12x", "", "99999999"}) {
    Metadata wrong = kGood;
    wrong["width"] = side;
    EXPECT_THAT(error_with({to_write("embedding", values_)}, wrong),
                refused(std::string("width in its metadata is ") + side));
  }
  Metadata narrow = kGood;
  narrow["width"] = "100000";
  EXPECT_THAT(error_with({to_write("embedding", values_)}, narrow), HasSubstr("too narrow"));
  const Array flat({2, 64}, values_.data);
  EXPECT_THAT(error_with({to_write("embedding", flat)}, kGood), refused("embedding is [2, 64]"));
  values_.data[3] = NAN;
  EXPECT_THAT(error_with({to_write("embedding", values_)}, kGood),
              refused("embedding has values that are not finite"));
}

}  // namespace
}  // namespace fovea
