// The program on processors that this machine is not: qemu runs it without AVX, and with AVX2
// alone.
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli_testing.h"
#include "tests/goldens.h"

namespace fovea {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Where PATH has a program, or nothing.
std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::filesystem::path place = std::filesystem::path(folder) / name;
    if (std::filesystem::exists(place)) return place;
  }
  return "";
}

TEST(SimdTest, VersionAndInspectSayTheLevelInUse) {
  ASSERT_EQ(setenv("FOVEA_SIMD", "scalar", 1), 0);
  const Finished version = run_fovea({"--version"});
  const Finished text = run_fovea({"inspect", golden_path("vit")});
  const Finished json = run_fovea({"inspect", golden_path("vit"), "--json"});
  unsetenv("FOVEA_SIMD");
  EXPECT_THAT(version.out, testing::EndsWith(" (scalar)\n"));
  EXPECT_THAT(text.out, testing::HasSubstr("instructions  scalar\n"));
  EXPECT_EQ(nlohmann::json::parse(json.out).at("simd"), "scalar");
}

struct Processor {
  std::string model;  // as qemu names it
  std::string level;  // the best that it has
};

class EmulatedTest : public testing::TestWithParam<Processor> {
 protected:
  void SetUp() override {
#if !defined(__x86_64__)
    GTEST_SKIP() << "the machine is not x86-64";
#endif
    if (kSanitized) GTEST_SKIP() << "qemu does not run programs with sanitizers";
    if (qemu_.empty()) GTEST_SKIP() << "qemu-x86_64 is not installed";
  }

  // Standard error is qemu's too, which says there what it does not emulate.
  Finished run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"-cpu", GetParam().model, fovea_program()});
    return run_program(qemu_, arguments);
  }

 private:
  const std::string qemu_ = find_program("qemu-x86_64");
};

TEST_P(EmulatedTest, SaysItsLevel) {
  const Finished version = run({"--version"});
  EXPECT_EQ(version.status, 0) << version.err;
  EXPECT_THAT(version.out, testing::EndsWith("(" + GetParam().level + ")\n"));
}

TEST_P(EmulatedTest, ClassifiesAsTheMachineItself) {
  const std::vector<std::string> arguments = {
      "classify", (test_data() / "../models/cifar10").string(), picture("photo.jpg"), "--json"};
  const Finished here = run_fovea(arguments);
  const Finished there = run(arguments);
  ASSERT_EQ(here.status, 0) << here.err;
  ASSERT_EQ(there.status, 0) << there.err;
  const nlohmann::json want = nlohmann::json::parse(here.out).at("top");
  const nlohmann::json got = nlohmann::json::parse(there.out).at("top");
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].at("label"), want[i].at("label"));
    EXPECT_NEAR(got[i].at("probability").get<double>(), want[i].at("probability").get<double>(),
                1e-4);
  }
}

TEST_P(EmulatedTest, MergesLikeTheReference) {
  const TemporaryFolder folder;
  const std::string out = (folder / "out.safetensors").string();
  const Finished finished = run({"forward", golden_path("vit"), "--input",
                                 golden_path("vit/input.npy"), "--output", out, "--r", "3"});
  ASSERT_EQ(finished.status, 0) << finished.err;
  const SafeTensors got = SafeTensors::open(out);
  const SafeTensors want = SafeTensors::open(golden("vit") / "r3.safetensors");
  for (const std::string name : {"logits", "features", "tokens", "sizes"}) {
    expect_close(want, name, read_array(got, name));
  }
  EXPECT_EQ(read_ints(got, "source"), read_ints(want, "source"));
}

INSTANTIATE_TEST_SUITE_P(Processors, EmulatedTest,
                         testing::Values(Processor{"Nehalem", "scalar"},
                                         Processor{"Haswell", "avx2"}),
                         [](const auto& info) { return info.param.model; });

}  // namespace
}  // namespace fovea
