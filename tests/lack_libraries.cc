// Preloaded into a program, lets it find none of the libraries that it looks for as it runs.
#include <dlfcn.h>

#include <cstring>
#include <initializer_list>

extern "C" void* dlopen(const char* name, int flags) noexcept {
  if (name != nullptr) {
    for (const char* lacking : {"libtiff.", "libheif.", "libsndfile.", "libsoxr.", "libavutil.",
                                "libavcodec.", "libavformat.", "libswscale."}) {
      if (std::strncmp(name, lacking, std::strlen(lacking)) == 0) return nullptr;
    }
  }
  using Open = void* (*)(const char*, int);
  static const auto open = reinterpret_cast<Open>(dlsym(RTLD_NEXT, "dlopen"));
  return open(name, flags);
}
