// What runs models: the instruction set, the number format, threads, and the memory that runs keep
// for the next one. Several models and callers may share one.
#pragma once

#include <memory>
#include <string>

#include "fovea/api.h"
#include "fovea/backend/kinds.h"

namespace fovea {

struct EngineOptions {
  int threads = 0;  // 0: as many as the process may use
  // Starts that many even where fewer can run at once, which is slow; the answers are the same.
  bool oversubscribe = false;
  // bf16 keeps weights in half the memory, and multiplies in it where the processor can; sums,
  // norms, softmax, residuals and matching stay in single precision.
  Dtype dtype = Dtype::f32;
};

// Safe to use from several threads at once. Where one run has the threads, others that come
// meanwhile compute each on its caller's own.
class FOVEA_API Engine {
 public:
  // Throws Error where the environment variable FOVEA_SIMD names no instruction set.
  explicit Engine(const EngineOptions& options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // How many threads a run may use.
  int threads() const;
  Dtype dtype() const;
  // "avx2" and the like, as FOVEA_SIMD names them.
  std::string simd() const;

  // Lets go of the memory that runs keep for the next one, as much as the largest of them took for
  // each thread; the next run takes it anew.
  void trim() const;

  // For the library itself: who does the work (engine/workers.h).
  class Workers;
  const Workers& workers() const { return *workers_; }

 private:
  std::unique_ptr<const Workers> workers_;
};

}  // namespace fovea
