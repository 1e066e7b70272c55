// Messages stay one short line, whatever the file holds.
#include "fovea/io/fail.h"

#include <gtest/gtest.h>

namespace fovea {
namespace {

TEST(Error, FailFormats) {
  try {
    fail("{}: found {}", "a.npy", 3);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "a.npy: found 3");
  }
}

TEST(Error, PrintableKeepsOrdinaryText) {
  EXPECT_EQ(printable("blocks.0.attn.qkv.weight"), "blocks.0.attn.qkv.weight");
  EXPECT_EQ(printable("größe"), "größe");
  EXPECT_EQ(printable(std::string(120, 'x')), std::string(120, 'x'));
}

TEST(Error, PrintableReplacesControlCharacters) {
  EXPECT_EQ(printable("a\nb\tc\x7F\x1B"), "a?b?c??");
}

TEST(Error, PrintableCutsLongTextBetweenCharacters) {
  EXPECT_EQ(printable(std::string(1000, 'x')), std::string(120, 'x') + "...");
  // 119 bytes, then a character of two bytes across the limit.
  const std::string text = std::string(119, 'x') + "ö" + std::string(50, 'y');
  EXPECT_EQ(printable(text), std::string(119, 'x') + "...");
}

}  // namespace
}  // namespace fovea
