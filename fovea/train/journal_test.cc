#include "fovea/train/journal.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fovea/io/file.h"
#include "fovea/io/testing.h"
#include "tests/train/events.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

JournalLine trained_to(int64_t step, double loss) {
  return {.step = step,
          .loss = loss,
          .accuracy = 50,
          .learning_rate = 0.001,
          .images_per_second = 64,
          .seconds = 2};
}

std::vector<std::filesystem::path> event_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// "train/loss 10 0.5", "start 11"
std::vector<std::string> events_of(const std::filesystem::path& path) {
  std::vector<std::string> texts;
  for (const ReadEvent& event : read_events(path)) {
    texts.push_back(event.is_start ? fmt::format("start {}", event.step)
                                   : fmt::format("{} {} {}", event.tag, event.step, event.value));
  }
  return texts;
}

TEST(Journal, SaysTheSameInBothFiles) {
  const TemporaryFolder folder;
  Journal journal(folder / "log.csv", 0);
  journal.add(trained_to(10, 0.5));
  journal.add({.step = 10, .epoch = 1, .val_top1 = 75, .val_top5 = 100, .seconds = 3});
  EXPECT_EQ(read_text(folder / "log.csv"),
            "step,epoch,loss,accuracy,lr,images_per_second,val_top1,val_top5,seconds\n"
            "10,0.0000,0.5,50,0.001,64,,,2.0\n"
            "10,1.0000,,,,,75,100,3.0\n");
  const auto files = event_files(folder.path());
  ASSERT_EQ(files.size(), 1U);
  EXPECT_THAT(events_of(files[0]),
              ElementsAre("start 1", "train/loss 10 0.5", "train/accuracy 10 50",
                          "train/learning_rate 10 0.001", "train/images_per_second 10 64",
                          "val/top1 10 75", "val/top5 10 100"));
}

TEST(Journal, GoesOnAndDropsWhatWasDoneAfterTheCheckpoint) {
  const TemporaryFolder folder;
  {
    Journal journal(folder / "log.csv", 0);
    journal.add(trained_to(10, 0.5));
    journal.add(trained_to(20, 0.25));
  }
  Journal journal(folder / "log.csv", 15);
  journal.add(trained_to(25, 0.125));
  const std::string log = read_text(folder / "log.csv");
  EXPECT_THAT(log, HasSubstr("\n10,"));
  EXPECT_EQ(log.find("\n20,"), std::string::npos);
  EXPECT_THAT(log, HasSubstr("\n25,"));
  const auto files = event_files(folder.path());
  ASSERT_EQ(files.size(), 2U);
  EXPECT_THAT(events_of(files[0]), testing::Contains("train/loss 20 0.25"));
  EXPECT_EQ(events_of(files[1])[0], "start 16") << "which voids step 20";
  EXPECT_EQ(events_of(files[1])[1], "train/loss 25 0.125");
}

TEST(Journal, DropsALineThatWasCutShort) {
  const TemporaryFolder folder;
  { Journal(folder / "log.csv", 0).add(trained_to(10, 0.5)); }
  const std::string whole = read_text(folder / "log.csv");
  write_file(folder / "log.csv", whole + "1");  // of 12, say
  { const Journal journal(folder / "log.csv", 15); }
  EXPECT_EQ(read_text(folder / "log.csv"), whole);
}

TEST(Journal, NamesTheFileThatCannotBeWritten) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { Journal(folder / "none" / "log.csv", 0); }), HasSubstr("none"));
}

}  // namespace
}  // namespace fovea
