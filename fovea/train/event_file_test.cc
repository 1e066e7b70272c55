#include "fovea/train/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "fovea/io/testing.h"
#include "tests/train/events.h"

namespace fovea {
namespace {

using testing::HasSubstr;

TEST(EventFile, HoldsWhatWasAdded) {
  EXPECT_EQ(plain_crc("123456789"), 0xe3069283) << "the check value of CRC-32C";
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "events.out.tfevents.1";
  EventFile events(path);
  events.scalar("loss/train", 0, 2.5);
  events.scalar("accuracy", 5'000'000'000, -0.125);
  events.restart(7);
  const std::vector<ReadEvent> read = read_events(path);  // while it is being written
  ASSERT_EQ(read.size(), 3U);
  EXPECT_EQ(read[0].step, 0);
  EXPECT_EQ(read[0].tag, "loss/train");
  EXPECT_EQ(read[0].value, 2.5F);
  EXPECT_EQ(read[1].step, 5'000'000'000);
  EXPECT_EQ(read[1].tag, "accuracy");
  EXPECT_EQ(read[1].value, -0.125F);
  EXPECT_TRUE(read[2].is_start);
  EXPECT_EQ(read[2].step, 7);
  EXPECT_GT(read[0].wall_time, 1.7e9) << "seconds since 1970";
  EXPECT_GE(read[2].wall_time, read[0].wall_time);
}

TEST(EventFile, IsLaterByNameThanThoseThatAreThere) {
  const TemporaryFolder folder;
  const std::filesystem::path first = next_event_file(folder.path());
  EXPECT_EQ(first.parent_path(), folder.path());
  EXPECT_THAT(first.filename().string(), testing::StartsWith("events.out.tfevents."));
  const EventFile begun(first);
  const std::filesystem::path second = next_event_file(folder.path());
  EXPECT_GT(second, first);
}

TEST(EventFile, NamesTheFileThatCannotBeWritten) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { EventFile(folder / "none/events.out.tfevents.1"); }),
              HasSubstr("none/events.out.tfevents.1: can't be written"));
}

}  // namespace
}  // namespace fovea
