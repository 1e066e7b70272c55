// torch's files from outside: what trainings save, --key, and files that must be refused.
#include <string>
#include <vector>

#include "fovea/io/file.h"
#include "fovea/model/pth_models_testing.h"
#include "fovea/model/testing.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

const fs::path kPth = test_data() / "goldens-pth";

class CliPth : public testing::Test {
 protected:
  std::string forward(const std::vector<std::string>& model) const {
    std::vector<std::string> command = {"forward"};
    command.insert(command.end(), model.begin(), model.end());
    command.insert(command.end(), {"--input", golden_path("vit/input.npy"), "-o", folder_ / "out"});
    const Finished done = run_fovea(command);
    EXPECT_EQ(done.status, 0) << done.err;
    return read_all(folder_ / "out");
  }
  // The golden `vit` under such names.
  static PthOf::Dict vit(PthOf& pth, const std::string& prefix) {
    return pth.tensors(golden("vit") / "model.safetensors",
                       [&](const std::string& name) { return prefix + name; });
  }
  std::string saved(const PthOf& pth, const std::string& value) const {
    fs::copy_file(golden("vit") / "config.json", folder_ / "config.json",
                  fs::copy_options::overwrite_existing);
    pth.write(folder_ / "checkpoint.pth", value);
    return folder_ / "checkpoint.pth";
  }

  TemporaryFolder folder_;
};

// As main_dino.py saves them: a student behind DistributedDataParallel, a teacher, heads of both.
TEST_F(CliPth, OfDinoGivesTheTeacher) {
  PthOf pth;
  PthOf::Dict teacher = vit(pth, "backbone.");
  std::erase_if(teacher,
                [](const auto& entry) { return entry.first.starts_with("backbone.head."); });
  for (const char* layer : {"head.mlp.0", "head.mlp.2", "head.mlp.4"}) {
    teacher.emplace_back(std::string(layer) + ".weight", pth.values({4, 4}, 1));
    teacher.emplace_back(std::string(layer) + ".bias", pth.values({4}, 1));
  }
  teacher.emplace_back("head.last_layer.weight_g", pth.values({8, 1}, 1));
  teacher.emplace_back("head.last_layer.weight_v", pth.values({8, 4}, 1));
  PthOf::Dict student = teacher;
  for (auto& [name, value] : student) {
    name.insert(0, "module.");
    if (name == "module.backbone.cls_token") value = pth.values({1, 1, 48}, 0.5);
  }
  const std::string model =
      saved(pth, py_dict({{"student", py_dict(student)},
                          {"teacher", py_dict(teacher)},
                          {"optimizer", py_dict({{"state", py_dict({})}})},
                          {"epoch", py_int(100)},
                          {"dino_loss", py_dict({{"center", pth.values({1, 8}, 0)}})}}));
  write_model_without(folder_ / "headless", "head.");
  const std::string want = forward({folder_ / "headless"});
  EXPECT_EQ(forward({model}) == want, true);
  EXPECT_EQ(forward({model, "--key", "teacher"}) == want, true);
  EXPECT_EQ(forward({model, "--key", "student"}) == want, false);
  EXPECT_THAT(run_fovea({"inspect", model}).err,
              HasSubstr("8 tensors not used: heads of self-supervised training (head."));
}

// As DINOv2's trainer saves a teacher, and as its FSDP checkpoints hold both.
TEST_F(CliPth, OfDinov2GivesTheTeacher) {
  write_model_without(folder_ / "headless", "head.");
  const std::string want = forward({folder_ / "headless"});
  for (const std::string before : {"", "teacher."}) {
    PthOf pth;
    PthOf::Dict all = vit(pth, before + "backbone.");
    std::erase_if(all, [](const auto& entry) {
      return entry.first.find("backbone.head.") != std::string::npos;
    });
    all.emplace_back(before + "dino_head.last_layer.weight_v", pth.values({8, 4}, 1));
    all.emplace_back(before + "ibot_head.mlp.0.weight", pth.values({8, 4}, 1));
    if (!before.empty()) {
      for (auto& entry : vit(pth, "student.backbone.")) all.push_back(entry);
      all.emplace_back("dino_loss.center", pth.values({1, 8}, 1));
    }
    const std::string model =
        saved(pth, py_dict({{before.empty() ? "teacher" : "model", py_dict(all)}}));
    EXPECT_EQ(forward({model}) == want, true) << before;
  }
}

TEST_F(CliPth, WithAKeyIsReadByEveryCommand) {
  PthOf pth;
  const PthOf::Dict other = {{"x", pth.values({2}, 1)}};
  const std::string model =
      saved(pth, py_dict({{"state_dict", py_dict(other)},
                          {"a", py_dict({{"b", py_dict(vit(pth, "module."))}})}}));
  const std::string picture = fovea::picture("gray.png");
  fs::create_directories(folder_ / "set" / "0");
  for (int label = 0; label < 10; ++label) {
    const fs::path of_label = folder_ / "set" / std::to_string(label);
    fs::create_directories(of_label);
    fs::copy_file(picture, of_label / "gray.png");
  }
  const std::string set = folder_ / "set";
  const std::vector<std::vector<std::string>> commands = {
      {"forward", model, "--input", golden_path("vit/input.npy"), "-o", folder_ / "o"},
      {"inspect", model},
      {"convert", model, "-o", folder_ / "converted"},
      {"preprocess", model, picture, "-o", folder_ / "o.npy"},
      {"classify", model, picture},
      {"embed", model, picture, "-o", folder_ / "o.npy"},
      {"evaluate", model, set},
      {"bench", model, "--batch", "1"},
      {"visualize", model, picture, "-o", folder_ / "o.png", "--r", "2"},
      {"sweep", model, set, "-o", folder_ / "o.csv", "--r", "2", "--passes", "1"},
      {"tune", model, set, "-o", folder_ / "o.json", "--seconds", "1"}};
  for (std::vector<std::string> command : commands) {
    SCOPED_TRACE(command[0]);
    EXPECT_THAT(run_fovea(command).err, HasSubstr("checkpoint.pth: "));
    command.insert(command.end(), {"--key", "a.b"});
    const Finished done = run_fovea(command);
    EXPECT_EQ(done.status, 0) << done.err;
    command.back() = "a.c";
    const Finished refused = run_fovea(command);
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("--key a.c: c is not there; expected one of b")));
  }
}

TEST_F(CliPth, HasKeysThatNoOtherModelHas) {
  const std::string of_named =
      "--key a: vit_tiny_patch16_64 is an architecture with random weights; expected a file";
  const std::string of_others = "--key a: only torch's .pth, .pt and .bin hold dicts in dicts";
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"inspect", ""},
        {"convert", "", "-o", folder_ / "to"},
        {"classify", "", picture("gray.png")},
        {"preprocess", "", picture("gray.png"), "-o", folder_ / "o.npy"}}) {
    for (const auto& [model, message] : {std::pair{std::string("vit_tiny_patch16_64"), of_named},
                                         {golden_path("vit"), of_others}}) {
      std::vector<std::string> typed = command;
      typed[1] = model;
      typed.insert(typed.end(), {"--key", "a"});
      expect_refused(run_fovea(typed), message);
    }
  }
  expect_refused(run_fovea({"bench", "vit_tiny_patch16_64", "--key", "a"}), of_named);
  expect_refused(run_fovea({"inspect", "vit_tiny_patch16_64", "--num-heads", "4"}),
                 "vit_tiny_patch16_64: has 3 heads, --num-heads is 4; expected the same");
}

TEST_F(CliPth, ThatMayDoHarmIsRefused) {
  const fs::path marker = "/tmp/fovea-pth-executed";  // what the malicious ones would make
  fs::remove(marker);
  int count = 0;
  for (const auto& entry : fs::directory_iterator(kPth)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("bad-")) continue;
    SCOPED_TRACE(name);
    expect_refused(run_fovea({"inspect", entry.path()}), name + ": ");
    expect_refused(run_fovea({"convert", entry.path(), "-o", folder_ / "to"}), name + ": ");
    EXPECT_FALSE(fs::exists(marker));
    EXPECT_FALSE(fs::exists(folder_ / "to"));
    ++count;
  }
  EXPECT_EQ(count, 12);
}

}  // namespace
}  // namespace fovea
