#include "fovea/data/libsoxr.h"

#include "fovea/data/shared_library.h"

namespace fovea {
namespace {

LibSoxr load() {
  SharedLibrary library({"libsoxr.so.0"});
  LibSoxr soxr;
  library.find("soxr_create", soxr.create);
  library.find("soxr_delete", soxr.destroy);
  library.find("soxr_quality_spec", soxr.quality);
  library.find("soxr_process", soxr.process);
  soxr.is_there = library.is_whole();
  return soxr;
}

}  // namespace

const LibSoxr& libsoxr() {
  static const LibSoxr kLibrary = load();
  return kLibrary;
}

}  // namespace fovea
