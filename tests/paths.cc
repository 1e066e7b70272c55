#include "tests/paths.h"

namespace fovea {

std::filesystem::path test_data() { return FOVEA_TEST_DATA; }
std::string fovea_program() { return FOVEA_PROGRAM; }
std::string preloaded(const std::string& name) {
  return std::filesystem::path(FOVEA_PROGRAM).parent_path() / ("lib" + name + ".so");
}

}  // namespace fovea
