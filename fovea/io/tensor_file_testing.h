// Helpers for tests of files of tensors.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "fovea/io/tensor_file.h"

namespace fovea {

// To the bit.
inline void expect_same_tensors(const TensorFile& got, const TensorFile& want) {
  EXPECT_EQ(got.tensors().size(), want.tensors().size());
  for (const auto& [name, tensor] : want.tensors()) {
    ASSERT_TRUE(got.tensors().contains(name)) << name;
    const TensorView& found = got.tensors().at(name);
    EXPECT_EQ(found.dtype, tensor.dtype) << name;
    EXPECT_EQ(found.shape, tensor.shape) << name;
    EXPECT_TRUE(std::ranges::equal(found.bytes, tensor.bytes)) << name;
  }
}

}  // namespace fovea
