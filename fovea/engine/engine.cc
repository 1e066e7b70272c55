#include "fovea/engine/engine.h"

#include "fovea/backend/cpu/processors.h"
#include "fovea/engine/workers.h"

namespace fovea {

Engine::Workers::Workers(const EngineOptions& options)
    : instructions_(chosen_instructions()),
      dtype_(options.dtype),
      threads_(std::make_shared<Threads>(
          options.oversubscribe ? options.threads : threads_to_start(options.threads))),
      shared_(instructions_, dtype_, threads_, threads_->count()),
      serial_(instructions_, dtype_, std::make_shared<Threads>(1), threads_->count()) {}

void Engine::Workers::share_out(
    int64_t images, const std::function<void(Cpu&, int64_t begin, int64_t end)>& work) const {
  const int64_t threads = threads_->count();
  // Whole images to each thread as far as they share out evenly, a few at a time, so that a weight
  // that was fetched serves all of these; the rest are run one by one, every operation spread over
  // all threads.
  constexpr int64_t kTogether = 2;
  const int64_t each = images / threads;
  const int64_t shared_out = threads == 1 ? 0 : each * threads;
  const int64_t tasks = shared_out == 0 ? 0 : threads * ((each + kTogether - 1) / kTogether);
  threads_->run(tasks, [&](int64_t task, int) {
    work(*serial_.lend(), shared_out * task / tasks, shared_out * (task + 1) / tasks);
  });
  for (int64_t image = shared_out; image < images; ++image) {
    work(*shared_.lend(), image, image + 1);
  }
}

void Engine::Workers::run(int64_t tasks, const std::function<void(int64_t task)>& work) const {
  threads_->run(tasks, [&](int64_t task, int) { work(task); });
}

void Engine::Workers::trim() const {
  shared_.trim();
  serial_.trim();
}

Engine::Engine(const EngineOptions& options) : workers_(std::make_unique<const Workers>(options)) {}
Engine::~Engine() = default;

int Engine::threads() const { return workers_->threads(); }
Dtype Engine::dtype() const { return workers_->dtype(); }
std::string Engine::simd() const { return to_string(workers_->instructions()); }
void Engine::trim() const { workers_->trim(); }

}  // namespace fovea
