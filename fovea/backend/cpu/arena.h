// Memory of activations: buffers that go back when their tensor does and are taken again by the
// next one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace fovea {

// `count` floats aligned to 64 bytes, in huge pages where the system gives them. Throws
// std::bad_alloc.
std::shared_ptr<float[]> allocate_floats(int64_t count);

// Not safe for several threads at once: each run has its own. Must outlive what it hands out.
class Arena {
 public:
  // At least `count` floats, not initialised.
  std::shared_ptr<float[]> take(int64_t count);

 private:
  struct Buffer {
    int64_t capacity;
    std::shared_ptr<float[]> memory;
  };
  void give_back(Buffer buffer) noexcept;
  std::vector<Buffer> free_;  // by ascending capacity; has room for all that is lent
  size_t lent_ = 0;
};

}  // namespace fovea
