// How Fovea itself throws Error: with a formatted message. Not installed, so that programs that use
// the library need no fmt.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "fovea/io/error.h"

namespace fovea {

// Throws Error with a formatted message.
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace fovea
