// Where a model's files lie: what of a folder is its weights, and what belongs to a model.
#include "fovea/model/location.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Location : public testing::Test {
 protected:
  void put(const std::string& name) const { write_file(folder_ / name, "x"); }
  std::string found() const { return weights_of(folder_.path()).filename(); }
  std::string error() const {
    return error_of([&] { weights_of(folder_.path()); });
  }

  TemporaryFolder folder_;
};

TEST_F(Location, OfWeightsGoesByNameFirst) {
  // The last first: each goes before those that were there.
  for (const char* name :
       {"pytorch_model.bin.index.json", "pytorch_model.bin", "open_clip_model.safetensors",
        "model.safetensors.index.json", "model.safetensors"}) {
    put("other.pth");
    put(name);
    EXPECT_EQ(found(), name);
  }
}

TEST_F(Location, OfWeightsIsTheOneFileThatEndsSo) {
  put("config.json");
  put("training_args.bin");
  put("optimizer.pt");
  put("scheduler.pt");
  put("rng_state.pth");
  EXPECT_THAT(error(), HasSubstr("a folder without weights: it holds config.json, optimizer.pt, "));
  for (const char* name : {"a.safetensors", "a.pth", "a.pt", "a.bin"}) {
    put(name);
    EXPECT_EQ(found(), name);
    fs::remove(folder_ / name);
  }
  put("a.pth");
  put("b.safetensors");
  EXPECT_EQ(error(), folder_.path().string() +
                         ": a folder with several files of weights: a.pth, b.safetensors; expected "
                         "MODEL to be one of them");
}

TEST_F(Location, ListsWhatIsThere) {
  EXPECT_EQ(error(),
            folder_.path().string() +
                ": a folder without weights: it holds nothing; expected model.safetensors, "
                "shards with their index, or one .safetensors, .pth, .pt or .bin");
  for (char letter = 'a'; letter < 'a' + 20; ++letter) put(std::string(1, letter) + ".txt");
  EXPECT_THAT(error(), HasSubstr("k.txt, l.txt and 8 more; expected"));
}

TEST_F(Location, IsNotPassedOverWhereALinkLeadsNowhere) {
  put("other.safetensors");
  fs::create_symlink("gone", folder_ / "model.safetensors");
  EXPECT_EQ(found(), "model.safetensors");
}

TEST_F(Location, OfADeltaIsBehindThePlus) {
  put("m");
  put("a+b");
  const std::string m = folder_ / "m";
  EXPECT_EQ(split_delta(m).base, m);
  EXPECT_FALSE(split_delta(m).delta);
  EXPECT_EQ(split_delta(m + "+x/d.safetensors").base, m);
  EXPECT_EQ(split_delta(m + "+x/d.safetensors").delta, "x/d.safetensors");
  EXPECT_FALSE(split_delta(folder_ / "a+b").delta);
  EXPECT_EQ(split_delta((folder_ / "a+b").string() + "+d").delta, "d");
  EXPECT_FALSE(split_delta(folder_ / "none+d").delta);
  EXPECT_EQ(error_of([&] { split_delta(m + "+"); }),
            m + "+: expected the name of a delta behind the +");
}

TEST_F(Location, TellsWhatBelongsToAModel) {
  for (const char* name :
       {"model.safetensors.index.json", "model-1-of-2.safetensors", "config.json",
        "preprocessor_config.json", "delta.safetensors", "readme"})
    put(name);
  const fs::path model = folder_.path();
  for (const char* name : {"model.safetensors.index.json", "model-1-of-2.safetensors",
                           "config.json", "preprocessor_config.json", "../"})
    EXPECT_EQ(is_part_of(folder_ / name, model), std::string(name) != "../") << name;
  EXPECT_TRUE(is_part_of(model / ".", model));
  EXPECT_FALSE(is_part_of(folder_ / "readme", model));
  EXPECT_FALSE(is_part_of(folder_ / "new", model));
  EXPECT_FALSE(is_part_of(folder_ / "delta.safetensors", model));
  EXPECT_TRUE(is_part_of(folder_ / "delta.safetensors",
                         model.string() + "+" + (folder_ / "delta.safetensors").string()));
}

}  // namespace
}  // namespace fovea
