#include "tests/paths.h"

namespace fovea {

std::filesystem::path test_data() { return FOVEA_TEST_DATA; }
std::string fovea_program() { return FOVEA_PROGRAM; }

}  // namespace fovea
