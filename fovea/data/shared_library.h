// Libraries that are used where they are installed, found as the program runs.
#pragma once

#include <initializer_list>

namespace fovea {

// Stays loaded to the end of the program.
class SharedLibrary {
 public:
  // The first of these names that there is, as in "libtiff.so.6".
  explicit SharedLibrary(std::initializer_list<const char*> names);

  // Whether it was found, and all of what was asked for in it.
  bool is_whole() const { return handle_ != nullptr && !lacks_some_; }
  // Its function of that name, whose type the caller knows; else `function` stays as it is.
  template <class Function>
  void find(const char* name, Function*& function) {
    void* found = symbol(name);
    if (found != nullptr) function = reinterpret_cast<Function*>(found);
  }

 private:
  void* symbol(const char* name);

  void* handle_ = nullptr;
  bool lacks_some_ = false;
};

}  // namespace fovea
