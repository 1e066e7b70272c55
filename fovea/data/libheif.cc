#include "fovea/data/libheif.h"

#include "fovea/data/shared_library.h"

namespace fovea {
namespace {

LibHeif load() {
  SharedLibrary library({"libheif.so.1"});
  LibHeif heif;
  library.find("heif_context_alloc", heif.context_alloc);
  library.find("heif_context_free", heif.context_free);
  library.find("heif_context_read_from_memory_without_copy", heif.read);
  library.find("heif_context_get_primary_image_handle", heif.primary);
  library.find("heif_image_handle_release", heif.handle_release);
  library.find("heif_image_handle_get_width", heif.handle_width);
  library.find("heif_image_handle_get_height", heif.handle_height);
  library.find("heif_image_handle_has_alpha_channel", heif.handle_has_alpha);
  library.find("heif_decode_image", heif.decode);
  library.find("heif_image_get_width", heif.image_width);
  library.find("heif_image_get_height", heif.image_height);
  library.find("heif_image_get_plane_readonly", heif.plane);
  library.find("heif_image_release", heif.image_release);
  heif.is_there = library.is_whole();
  // The first context loads libheif's plugins, which is not made for several threads at once.
  if (heif.context_alloc != nullptr && heif.context_free != nullptr) {
    heif.context_free(heif.context_alloc());
  }
  return heif;
}

}  // namespace

const LibHeif& libheif() {
  static const LibHeif kLibrary = load();
  return kLibrary;
}

}  // namespace fovea
