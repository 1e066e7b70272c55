#include "fovea/train/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "fovea/io/safetensors.h"
#include "fovea/io/testing.h"
#include "fovea/train/journal.h"

namespace fovea {
namespace {

using testing::HasSubstr;

std::vector<TorchParameter> tensors(double value) {
  return {{"head.weight", torch::full({2, 3}, value)}, {"head.bias", torch::full({2}, -value)}};
}

TEST(StateFile, GivesBackWhatWasWritten) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "checkpoint.safetensors";
  write_state(path, tensors(0.1), {.step = 12, .seconds = 3.25, .dtype = "bf16"});
  const std::vector<TorchParameter> read = tensors(0);
  const Progressed progressed = read_state(path, read);
  EXPECT_EQ(progressed.step, 12);
  EXPECT_EQ(progressed.seconds, 3.25);
  EXPECT_EQ(progressed.dtype, "bf16");
  for (size_t i = 0; i < read.size(); ++i) {
    EXPECT_TRUE(torch::equal(read[i].values, tensors(0.1)[i].values));
  }
}

TEST(StateFile, IsRefusedByAnotherModel) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "checkpoint.safetensors";
  write_state(path, tensors(1), {});
  const auto refusal = [&](const std::vector<TorchParameter>& other) {
    return error_of([&] { read_state(path, other); });
  };
  EXPECT_THAT(refusal({{"head.weight", torch::zeros({2, 4})}}),
              HasSubstr("checkpoint.safetensors: tensor head.weight is [2, 3]; expected [2, 4]"));
  EXPECT_THAT(refusal({{"norm.weight", torch::zeros({2})}}), HasSubstr("norm.weight is missing"));
  EXPECT_THAT(refusal({tensors(0)[0]}), HasSubstr("has 2 tensors; expected 1"));
}

TEST(StateFile, IsRefusedWhereItIsAnotherFile) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "checkpoint.safetensors";
  write_safetensors(path, {});
  EXPECT_THAT(error_of([&] { read_state(path, {}); }), HasSubstr("metadata step"));
}

TEST(Journal, GoesOnAfterTheStepOfTheCheckpoint) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "log.csv";
  {
    Journal journal(path, 0);
    for (const int step : {10, 20, 30}) journal.add({.step = step, .loss = 1.0 / step});
  }
  Journal(path, 20).add({.step = 25, .val_top1 = 50});
  EXPECT_EQ(read_text(path),
            "step,epoch,loss,accuracy,lr,images_per_second,val_top1,val_top5,seconds\n"
            "10,0.0000,0.1,,,,,,0.0\n"
            "20,0.0000,0.05,,,,,,0.0\n"
            "25,0.0000,,,,,50,,0.0\n");
}

}  // namespace
}  // namespace fovea
