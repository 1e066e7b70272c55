// The files of `fovea embed`: formats, names, number formats, and going on with each of them.
#include <cmath>
#include <nlohmann/json.hpp>

#include "fovea/io/convert.h"
#include "fovea/io/csv.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CliEmbedFormats : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder_ / "p");
    for (const auto& [from, to] : kNamed) {
      std::filesystem::copy_file(picture(from), folder_ / "p" / to);
    }
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  Finished embed(const std::string& output, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"embed", vit_, path("p"), "-o", path(output)});
    return run_fovea(more);
  }
  // The features as .npy has them.
  Array plain() const {
    expect_done(embed("plain.npy"));
    return read_npy(path("plain.npy"));
  }
  std::vector<std::string> full_names() const {
    std::vector<std::string> names;
    for (const auto& [from, to] : kNamed) names.push_back(path("p/" + to));
    return names;
  }

  TemporaryFolder folder_;
  const std::string vit_ = golden_path("vit");
  // Sorted as they come, with what lists of names stumble over.
  const std::vector<std::pair<std::string, std::string>> kNamed = {
      {"gray.png", "a, \"b\".png"}, {"photo.jpg", "c\n\\d\r.jpg"}, {"small.png", "e.png"}};
};

TEST_F(CliEmbedFormats, CsvHasTheSameNumbers) {
  const Array want = plain();
  expect_done(embed("out.csv"));
  std::vector<std::string> names;
  Array got;
  parse_csv(read_text(path("out.csv")), "out.csv",
            [&](const std::vector<std::string>& fields, size_t line) {
              ASSERT_EQ(fields.size(), 49U);
              if (line == 1) {
                EXPECT_EQ(fields[0], "file");
                EXPECT_EQ(fields[1], "0");
                EXPECT_EQ(fields[48], "47");
                return;
              }
              names.push_back(fields[0]);
              for (size_t i = 1; i < fields.size(); ++i) {
                got.data.push_back(std::stof(fields[i]));
              }
            });
  EXPECT_EQ(got.data, want.data);
  EXPECT_EQ(names, full_names());
}

TEST_F(CliEmbedFormats, SafetensorsHasTheSameNumbersAndTheNames) {
  const Array want = plain();
  expect_done(embed("out.safetensors"));
  const SafeTensors file = SafeTensors::open(path("out.safetensors"));
  ASSERT_EQ(file.tensors().size(), 1U);
  const TensorView& features = file.tensors().at("features");
  EXPECT_EQ(features.dtype, "F32");
  EXPECT_EQ(features.shape, want.shape);
  EXPECT_EQ(to_floats(features, ""), want.data);
  EXPECT_EQ(nlohmann::json::parse(file.metadata().at("names")), nlohmann::json(full_names()));
  expect_done(embed("dense.safetensors", {"--dense"}));
  EXPECT_EQ(SafeTensors::open(path("dense.safetensors")).tensors().at("features").shape,
            (Shape{3, 6, 6, 48}));
}

TEST_F(CliEmbedFormats, NamesThatAreNoUtf8DontBreakTheList) {
  std::filesystem::copy_file(picture("gray.png"), folder_ / "p" / "f\xFF.png");
  expect_done(embed("out.safetensors"));
  const SafeTensors file = SafeTensors::open(path("out.safetensors"));
  EXPECT_EQ(nlohmann::json::parse(file.metadata().at("names")).at(3), path("p/f\uFFFD.png"));
}

TEST_F(CliEmbedFormats, HalvesAreTheNearest) {
  const Array want = plain();
  expect_done(embed("out.npy", {"--output-dtype", "f16"}));
  expect_done(embed("out.safetensors", {"--output-dtype", "f16"}));
  EXPECT_EQ(npy_dtype(path("out.npy")), "<f2");
  const Array got = read_npy(path("out.npy"));
  ASSERT_EQ(got.shape, want.shape);
  for (size_t i = 0; i < want.data.size(); ++i) {
    EXPECT_EQ(got.data[i], half_to_float(float_to_half(want.data[i])));
  }
  const SafeTensors file = SafeTensors::open(path("out.safetensors"));
  EXPECT_EQ(file.tensors().at("features").dtype, "F16");
  EXPECT_EQ(to_floats(file.tensors().at("features"), ""), got.data);
}

TEST_F(CliEmbedFormats, NormalizedVectorsPointTheSameWay) {
  const Array want = plain();
  expect_done(embed("out.npy", {"--normalize"}));
  const Array got = read_npy(path("out.npy"));
  for (int row = 0; row < 3; ++row) {
    double squares = 0;
    for (int c = 0; c < 48; ++c) squares += std::pow(want.data[row * 48 + c], 2);
    for (int c = 0; c < 48; ++c) {
      EXPECT_NEAR(got.data[row * 48 + c], want.data[row * 48 + c] / std::sqrt(squares), 1e-6);
    }
  }
  expect_done(embed("dense.npy", {"--normalize", "--dense"}));
  const Array dense = read_npy(path("dense.npy"));
  for (size_t i = 0; i < dense.data.size(); i += 48) {
    double squares = 0;
    for (int c = 0; c < 48; ++c) squares += std::pow(dense.data[i + c], 2);
    EXPECT_NEAR(squares, 1, 1e-5) << "every patch has a vector of its own";
  }
}

TEST_F(CliEmbedFormats, NamesAreALineEach) {
  expect_done(embed("out.npy", {"--names", path("names.txt")}));
  EXPECT_THAT(lines_of(read_text(path("names.txt"))),
              ElementsAre(path("p/a, \"b\".png"), path("p/c\\n\\\\d\\r.jpg"), path("p/e.png")));
  expect_done(embed("out.npy", {"--names0", path("names0")}));
  std::string raw;
  for (const std::string& name : full_names()) raw += name + '\0';
  EXPECT_EQ(read_all(path("names0")), raw);
  // And such a list is one of the pictures to take.
  expect_done(run_fovea({"embed", vit_, "@" + path("names0"), "-o", path("again.npy")}));
  EXPECT_EQ(read_all(path("again.npy")), read_all(path("out.npy")));
}

TEST_F(CliEmbedFormats, GoOnToTheSameFiles) {
  const std::vector<std::vector<std::string>> ways = {
      {".npy", "--names"},
      {".csv", "--names"},
      {".safetensors", "--names0"},
      {".npy", "--names0", "--output-dtype", "f16"},
      {".safetensors", "--names", "--output-dtype", "f16", "--normalize"},
      {".csv", "--names0", "--normalize"},
      {".npy", "--names", "--normalize", "--dense"},
  };
  for (const auto& way : ways) {
    const auto run = [&](const std::string& name, const std::vector<std::string>& pictures,
                         bool resume) {
      std::vector<std::string> command = {"embed", vit_};
      command.insert(command.end(), pictures.begin(), pictures.end());
      command.insert(command.end(), {"-o", path(name + way[0]), way[1], path(name + ".names")});
      command.insert(command.end(), way.begin() + 2, way.end());
      if (resume) command.emplace_back("--resume");
      expect_done(run_fovea(command));
    };
    run("whole", full_names(), false);
    run("part", {full_names()[1]}, false);
    run("part", full_names(), true);
    EXPECT_EQ(read_all(path("part" + way[0])), read_all(path("whole" + way[0]))) << way[0];
    EXPECT_EQ(read_all(path("part.names")), read_all(path("whole.names"))) << way[0];
  }
}

TEST_F(CliEmbedFormats, DontGoOnWithWhatDoesNotBelongTogether) {
  const std::string names = path("names.txt");
  const auto begin = [&](const std::string& output, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--names", names});
    expect_done(embed(output, more));
  };
  const auto refused = [&](const std::string& output, std::vector<std::string> more,
                           const std::string& message) {
    more.insert(more.end(), {"--names", names, "--resume"});
    const std::string before = read_all(path(output));
    expect_refused(embed(output, more), message);
    EXPECT_EQ(read_all(path(output)), before);
  };
  begin("out.npy");
  refused("out.npy", {"--output-dtype", "f16"}, "out.npy: its rows are <f4; expected <f2");
  refused("out.npy", {"--normalize"}, "its rows are not all of length 1");
  begin("unit.npy", {"--normalize"});
  refused("unit.npy", {}, "unit.npy: its rows are all of length 1");
  for (const std::string& output : {path("out.csv"), path("out.safetensors")}) {
    const std::string name = std::filesystem::path(output).filename();
    begin(name);
    const std::string all = read_text(names);
    write_file(names, all.substr(0, all.size() - path("p/e.png").size() - 1));
    refused(name, {}, name + ": has other names than the file of names");
    write_file(names, path("p/e.png") + "\n");
    refused(name, {}, name + ": has other names than the file of names");
  }
  begin("out.safetensors");
  refused("out.safetensors", {"--output-dtype", "f16"}, "its rows are F32; expected F16");
}

TEST_F(CliEmbedFormats, RefusesOthersBeforeAnythingIsComputed) {
  expect_refused(embed("out.txt"), "expected a name that ends in .npy, .csv or .safetensors");
  expect_refused(embed("out"), "expected a name that ends in .npy, .csv or .safetensors");
  expect_refused(embed("out.csv", {"--dense"}), "--dense: does not go with");
  expect_refused(embed("out.csv", {"--output-dtype", "f16"}), "--output-dtype f16: expected f32");
  expect_refused(embed("out.npy", {"--output-dtype", "f64"}), "f64: expected f32 or f16");
  expect_refused(embed("out.npy", {"--names", path("a"), "--names0", path("b")}),
                 "does not go with --names");
  expect_refused(embed("out.npy", {"--names0", path("out.npy")}), "--names0 ");
  EXPECT_EQ(folder_.count(), 1U);
}

}  // namespace
}  // namespace fovea
