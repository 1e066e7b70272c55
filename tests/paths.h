// Where tests find their data and the program: said in paths.cc alone, so that the other files
// compile to the same wherever the checkout lies.
#pragma once

#include <filesystem>
#include <string>

namespace fovea {

// The folder tests/ of the checkout.
std::filesystem::path test_data();

// The program `fovea` that was built beside the tests.
std::string fovea_program();

// The library NAME (fail_writes, fail_allocations, lack_libraries) that makes a program fail into
// which it is preloaded.
std::string preloaded(const std::string& name);

}  // namespace fovea
