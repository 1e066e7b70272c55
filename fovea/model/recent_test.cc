#include "fovea/model/recent.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace fovea {
namespace {

TEST(Recent, ForgetsWhatWasAskedForLeastLately) {
  Recent<int, int> recent(2);
  int made = 0;
  const auto get = [&](int key) { return recent.get(key, [&] { return ++made, 10 * key; }); };
  EXPECT_EQ(get(1), 10);
  EXPECT_EQ(get(2), 20);
  EXPECT_EQ(get(1), 10);
  EXPECT_EQ(made, 2);
  EXPECT_EQ(get(3), 30);  // in the place of 2
  EXPECT_EQ(get(1), 10);
  EXPECT_EQ(made, 3);
  EXPECT_EQ(get(2), 20);
  EXPECT_EQ(made, 4);
}

TEST(Recent, LetsGoOfWhatItForgets) {
  Recent<int, std::shared_ptr<int>> recent(3);
  std::vector<std::weak_ptr<int>> all;
  for (int key = 0; key < 100; ++key) {
    all.emplace_back(recent.get(key, [&] { return std::make_shared<int>(key); }));
  }
  int alive = 0;
  for (const std::weak_ptr<int>& value : all) alive += value.expired() ? 0 : 1;
  EXPECT_EQ(alive, 3);
}

TEST(Recent, GivesAllCallersOneValue) {
  Recent<int, std::shared_ptr<int>> recent(1);
  std::vector<std::shared_ptr<int>> got(8);
  std::vector<std::thread> threads;
  for (std::shared_ptr<int>& mine : got) {
    threads.emplace_back([&] { mine = recent.get(7, [] { return std::make_shared<int>(7); }); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::shared_ptr<int>& mine : got) EXPECT_EQ(mine, got[0]);
}

}  // namespace
}  // namespace fovea
