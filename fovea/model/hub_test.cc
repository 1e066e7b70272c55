// The cache of the Hugging Face hub, as its own program lays it out.
#include "fovea/model/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "fovea/io/testing.h"
#include "fovea/model/location.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Environment variables that are as they were at the end.
class Hub : public testing::Test {
 protected:
  Hub() {
    for (const char* name : kNames) {
      const char* value = ::getenv(name);
      before_.emplace_back(value == nullptr ? "" : value, value != nullptr);
      ::unsetenv(name);
    }
    ::setenv("HOME", folder_.path().c_str(), 1);
  }
  ~Hub() override {
    for (size_t i = 0; i < std::size(kNames); ++i) {
      if (before_[i].second) {
        ::setenv(kNames[i], before_[i].first.c_str(), 1);
      } else {
        ::unsetenv(kNames[i]);
      }
    }
  }
  static void set(const char* name, const fs::path& value) { ::setenv(name, value.c_str(), 1); }

  // facebook/vit with a file of weights in a cache.
  static fs::path fill(const fs::path& cache, const std::string& revision = "0123abc") {
    const fs::path model = cache / "models--facebook--vit";
    fs::create_directories(model / "refs");
    fs::create_directories(model / "snapshots" / revision);
    write_file(model / "refs" / "main", revision);
    write_file(model / "snapshots" / revision / "model.safetensors", "x");
    return model / "snapshots" / revision;
  }

  static constexpr const char* kNames[] = {"HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"};
  std::vector<std::pair<std::string, bool>> before_;
  TemporaryFolder folder_;
};

TEST_F(Hub, CacheIsWhereTheEnvironmentSays) {
  EXPECT_FALSE(cached_model("facebook/vit"));
  const fs::path home = fill(folder_ / ".cache/huggingface/hub");
  EXPECT_EQ(cached_model("facebook/vit"), home);
  set("XDG_CACHE_HOME", folder_ / "xdg");
  EXPECT_FALSE(cached_model("facebook/vit"));
  const fs::path xdg = fill(folder_ / "xdg/huggingface/hub");
  EXPECT_EQ(cached_model("facebook/vit"), xdg);
  set("HF_HOME", folder_ / "hf");
  EXPECT_FALSE(cached_model("facebook/vit"));
  const fs::path hf = fill(folder_ / "hf/hub");
  EXPECT_EQ(cached_model("facebook/vit"), hf);
  set("HF_HUB_CACHE", folder_ / "cache");
  EXPECT_FALSE(cached_model("facebook/vit"));
  const fs::path cache = fill(folder_ / "cache");
  EXPECT_EQ(cached_model("facebook/vit"), cache);
}

TEST_F(Hub, ModelIsTheSnapshotOfItsMainBranch) {
  set("HF_HUB_CACHE", folder_.path());
  fill(folder_.path(), "old");
  const fs::path main = fill(folder_.path(), "new");
  EXPECT_EQ(cached_model("facebook/vit"), main);
  EXPECT_EQ(weights_of(*cached_model("facebook/vit")), main / "model.safetensors");
  const fs::path ref = folder_ / "models--facebook--vit/refs/main";
  write_file(ref, "old\n");
  EXPECT_EQ(cached_model("facebook/vit")->filename(), "old");
  for (const char* text : {"", "gone", "../../..", "..", "a/b", "\n", "old old"}) {
    write_file(ref, text);
    EXPECT_FALSE(cached_model("facebook/vit")) << text;
  }
  fs::remove(ref);
  EXPECT_FALSE(cached_model("facebook/vit"));
}

TEST_F(Hub, NamesAreOfOneSlash) {
  set("HF_HUB_CACHE", folder_.path());
  fill(folder_.path());
  for (const char* name : {"vit", "facebook/vit/x", "/vit", "facebook/", "../vit", "facebook/..",
                           "./vit", "~/vit", "a b/vit", "facebook/vit.pth"}) {
    EXPECT_FALSE(cached_model(name)) << name;
    EXPECT_EQ(error_of([&] { explain_missing(name); }), "") << name;
  }
}

// A file or folder of that name goes first.
TEST_F(Hub, ModelMayHaveADelta) {
  set("HF_HUB_CACHE", folder_.path());
  const fs::path model = fill(folder_.path());
  EXPECT_EQ(split_delta("facebook/vit").base, model);
  EXPECT_EQ(split_delta("facebook/vit+d.safetensors").base, model);
  EXPECT_EQ(split_delta("facebook/vit+d.safetensors").delta, "d.safetensors");
}

TEST_F(Hub, TellsHowToDownload) {
  set("HF_HUB_CACHE", folder_.path());
  const auto explained = [](const std::string& model) {
    return error_of([&] { weights_of(model); });
  };
  EXPECT_EQ(explained("facebook/dinov2-small"),
            "facebook/dinov2-small: no such file or folder, and nothing is fetched: hf download "
            "facebook/dinov2-small puts it into the cache, " +
                folder_.path().string() + ", where it is found");
  for (const char* url : {"https://huggingface.co/facebook/dinov2-small",
                          "http://huggingface.co/facebook/dinov2-small/",
                          "https://huggingface.co/facebook/dinov2-small/resolve/main/"
                          "model.safetensors?download=true"}) {
    EXPECT_EQ(explained(url),
              std::string(url) +
                  ": nothing is fetched; expected a file or folder: hf download "
                  "facebook/dinov2-small downloads it, and facebook/dinov2-small is "
                  "then its name here");
  }
  const std::string other = "https://dl.fbaipublicfiles.com/dino/dino_vits8.pth";
  EXPECT_EQ(explained(other), other + ": nothing is fetched; expected a file or folder: curl -LO " +
                                  other + " downloads it");
}

}  // namespace
}  // namespace fovea
