#include "fovea/data/shared_library.h"

#include <dlfcn.h>

namespace fovea {

SharedLibrary::SharedLibrary(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (handle_ == nullptr) handle_ = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
  }
}

void* SharedLibrary::symbol(const char* name) {
  void* found = handle_ == nullptr ? nullptr : ::dlsym(handle_, name);
  lacks_some_ = lacks_some_ || found == nullptr;
  return found;
}

}  // namespace fovea
