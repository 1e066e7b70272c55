// `fovea sweep` from outside: the table, the plot, and what it refuses.
#include <map>
#include <string>
#include <vector>

#include "fovea/io/file.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using CsvRow = std::map<std::string, std::string>;

std::vector<std::string> csv_fields(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

// The rows of a table by the names of its header.
std::vector<CsvRow> read_csv(const std::filesystem::path& path) {
  const std::vector<std::string> lines = lines_of(read_text(path));
  const std::vector<std::string> header = csv_fields(lines.at(0));
  std::vector<CsvRow> rows;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> fields = csv_fields(lines[i]);
    EXPECT_EQ(fields.size(), header.size()) << lines[i];
    CsvRow& row = rows.emplace_back();
    for (size_t column = 0; column < header.size(); ++column) row[header[column]] = fields[column];
  }
  return rows;
}

class CliSweep : public testing::Test {
 protected:
  Finished sweep(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"sweep", vit_, kPictures.string(), "--passes", "1"});
    return run_fovea(arguments);
  }

  TemporaryFolder folder_;
  const std::string vit_ = golden_path("vit");
  const std::string csv_ = folder_ / "sweep.csv";
};

TEST_F(CliSweep, GivesARowForEveryCombination) {
  expect_done(sweep({"--r", "0,2,4", "--metric", "k,x", "--inflect", "0,-1", "-o", csv_}));
  EXPECT_EQ(lines_of(read_text(csv_)).front(),
            "r,inflect,metric,images,fidelity,agreement,images_per_second,gflops_per_image,speedup,"
            "fidelity_error");
  const std::vector<CsvRow> rows = read_csv(csv_);
  ASSERT_EQ(rows.size(), 9U) << "the dense model once, and 2 x 2 x 2 that merge";
  for (const CsvRow& row : rows) {
    EXPECT_EQ(row.at("images"), "8");
    EXPECT_GT(std::stod(row.at("images_per_second")), 0);
    EXPECT_LE(std::stod(row.at("fidelity")), 1);
    EXPECT_LE(std::stod(row.at("agreement")), 1);
  }
  EXPECT_EQ(rows[0].at("r"), "0");
  EXPECT_EQ(rows[0].at("metric"), "");
  EXPECT_EQ(rows[0].at("fidelity"), "1.000000");
  EXPECT_EQ(rows[0].at("agreement"), "1.0000");
  EXPECT_EQ(rows[0].at("speedup"), "1.000");
  EXPECT_EQ(rows[0].at("fidelity_error"), "0.000000");
  EXPECT_GT(std::stod(rows[1].at("fidelity_error")), 0);
  EXPECT_EQ(rows[1].at("r") + rows[1].at("inflect") + rows[1].at("metric"), "20k");
  EXPECT_EQ(rows[2].at("r") + rows[2].at("inflect") + rows[2].at("metric"), "40k");
  EXPECT_EQ(rows[8].at("r") + rows[8].at("inflect") + rows[8].at("metric"), "4-1x");
  EXPECT_LT(rows[1].at("fidelity"), "1.000000");
  EXPECT_NE(rows[1].at("fidelity"), rows[5].at("fidelity")) << "other metrics merge others";
  EXPECT_LT(std::stod(rows[2].at("gflops_per_image")), std::stod(rows[1].at("gflops_per_image")));
}

TEST_F(CliSweep, DrawsALineForEachOptionThatVaries) {
  expect_done(sweep({"--r", "2,4", "--metric", "k,x", "--prop-attn", "off", "-o", csv_}));
  const std::string svg = read_text(folder_ / "sweep.svg");
  EXPECT_THAT(svg, AllOf(HasSubstr(">metric k<"), HasSubstr(">metric x<"), HasSubstr("dense model"),
                         HasSubstr("vit: 8 pictures"), Not(HasSubstr("prop-attn"))));
  EXPECT_EQ(folder_.count(), 2U);
  expect_done(sweep({"--r", "2", "-o", csv_, "--plot", folder_ / "other.svg"}));
  EXPECT_EQ(folder_.count(), 3U);
}

TEST_F(CliSweep, ComparesMethods) {
  expect_done(sweep({"--r", "4", "--method", "tome,foveal", "-o", csv_}));
  const std::vector<CsvRow> rows = read_csv(csv_);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[2].at("method"), "foveal");
  EXPECT_NE(rows[1].at("fidelity"), rows[2].at("fidelity"));
}

TEST_F(CliSweep, ThresholdsAreALineOfTheirOwn) {
  expect_done(sweep({"--threshold", "0.95,0.5", "-o", csv_}));
  const std::vector<CsvRow> rows = read_csv(csv_);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1].at("threshold"), "0.95");
  EXPECT_EQ(rows[1].at("r"), "");
  EXPECT_GE(std::stod(rows[0].at("gflops_per_image")), std::stod(rows[1].at("gflops_per_image")));
  EXPECT_GT(std::stod(rows[1].at("gflops_per_image")), std::stod(rows[2].at("gflops_per_image")));
  EXPECT_THAT(read_text(folder_ / "sweep.svg"), AllOf(HasSubstr(">0.5<"), HasSubstr("merged")));
}

TEST_F(CliSweep, RandomSchedulesAreACloud) {
  expect_done(sweep({"--r", "2,4", "--random-schedules", "5", "-o", csv_}));
  const std::vector<CsvRow> rows = read_csv(csv_);
  ASSERT_EQ(rows.size(), 8U);
  for (size_t i = 3; i < 8; ++i) {
    EXPECT_THAT(rows[i].at("r"), HasSubstr(","));
    EXPECT_NE(rows[i].at("r"), rows[3 + (i - 2) % 5].at("r"));
  }
  EXPECT_THAT(read_text(folder_ / "sweep.svg"), HasSubstr(">random schedules<"));
}

TEST_F(CliSweep, AModelWithoutHeadHasNoAgreement) {
  write_model_without(folder_ / "model", "head.");
  expect_done(run_fovea({"sweep", folder_ / "model", kPictures, "--r", "4", "-o", csv_}));
  EXPECT_THAT(lines_of(read_text(csv_)).front(), Not(HasSubstr("agreement")));
}

TEST_F(CliSweep, GoesOnPastBrokenPictures) {
  const std::filesystem::path pictures = folder_ / "pictures";
  std::filesystem::create_directory(pictures);
  std::filesystem::copy_file(picture("gray.png"), pictures / "a.png");
  std::filesystem::copy_file(picture("photo.jpg"), pictures / "c.jpg");
  write_file(pictures / "b.jpg", "this is text");
  const Finished done =
      run_fovea({"sweep", vit_, pictures, "--r", "4", "--batch", "1", "-o", csv_});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(lines_of(done.err), ElementsAre(AllOf(HasSubstr("skipped: "), HasSubstr("b.jpg"))));
  EXPECT_EQ(read_csv(csv_).at(1).at("images"), "2");
}

TEST_F(CliSweep, RefusesInOneLineAndWritesNothing) {
  std::filesystem::create_directory(folder_ / "empty");
  const auto refuse = [&](const std::vector<std::string>& arguments, const std::string& fragment) {
    expect_refused(sweep(arguments), fragment);
  };
  refuse({"--r", "4"}, "--output is required");
  refuse({"--threshold", "0.5,2", "-o", csv_}, "--threshold 2: expected a number");
  refuse({"--r", "4,x", "-o", csv_}, "--r x: expected a whole number of tokens");
  refuse({"--r", "4,", "-o", csv_}, "--r : expected a whole number of tokens");
  refuse({"--metric", "k,z", "-o", csv_}, "--metric z: expected one of k, q");
  refuse({"--passes", "0", "-o", csv_}, "--passes");
  refuse({"--random-schedules", "x", "-o", csv_}, "--random-schedules x");
  refuse({"--random-schedules", "3", "--threshold", "0.9", "-o", csv_}, "does not go with");
  refuse({"-o", csv_, "--plot", folder_ / "x.png"}, "expected a name that ends in .svg");
  refuse({"-o", folder_ / "x.svg"}, "x.svg: expected another file than that of the plot");
  refuse({"-o", folder_ / "none" / "x.csv"}, "there is no folder");
  expect_refused(run_fovea({"sweep", vit_, folder_ / "empty", "-o", csv_}), "no .jpg, .jpeg, .png");
  EXPECT_EQ(folder_.count(), 1U);
}

TEST_F(CliSweep, TheTableAloneGoesToADevice) {
  expect_done(sweep({"--r", "4", "-o", "/dev/null"}));
  EXPECT_FALSE(std::filesystem::exists("/dev/null.svg"));
}

}  // namespace
}  // namespace fovea
