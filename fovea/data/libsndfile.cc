#include "fovea/data/libsndfile.h"

#include "fovea/data/shared_library.h"

namespace fovea {
namespace {

LibSndfile load() {
  SharedLibrary library({"libsndfile.so.1"});
  LibSndfile sndfile;
  library.find("sf_open_virtual", sndfile.open);
  library.find("sf_close", sndfile.close);
  library.find("sf_readf_float", sndfile.read);
  library.find("sf_error", sndfile.error);
  library.find("sf_strerror", sndfile.message);
  sndfile.is_there = library.is_whole();
  return sndfile;
}

}  // namespace

const LibSndfile& libsndfile() {
  static const LibSndfile kLibrary = load();
  return kLibrary;
}

}  // namespace fovea
