// Preloaded into a program, lets its FOVEA_FAIL_AT-th allocation fail, from 1 on, counted from
// where its own static objects are made; with FOVEA_FAIL_ALL all later ones too. The file
// FOVEA_FAIL_REPORT then says "!allocation".
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

extern "C" {
// glibc's own, beside the names that are replaced here.
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace {

std::atomic<long> g_allocations{0};
long g_fail_at = 0;
bool g_fail_all = false;

bool fails() {
  if (g_fail_at == 0) return false;  // nothing is counted yet
  const long number = ++g_allocations;
  if (number != g_fail_at) return g_fail_all && number > g_fail_at;
  const char* report = std::getenv("FOVEA_FAIL_REPORT");
  const long file = syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT, 0600);
  syscall(SYS_write, file, "!allocation\n", 12);
  syscall(SYS_close, file);
  return true;
}

void* refuse() {
  errno = ENOMEM;
  return nullptr;
}

using Main = int (*)(int, char**, char**);
using Start = int (*)(Main, int, char**, Main, void (*)(), void (*)(), void*);

}  // namespace

extern "C" {

void* malloc(size_t size) { return fails() ? refuse() : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return fails() ? refuse() : __libc_calloc(count, size); }
void* realloc(void* memory, size_t size) {
  return fails() ? refuse() : __libc_realloc(memory, size);
}
void* memalign(size_t alignment, size_t size) {
  return fails() ? refuse() : __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** memory, size_t alignment, size_t size) {
  if (fails()) return ENOMEM;
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

int __libc_start_main(Main main, int argc, char** argv, Main init, void (*fini)(),
                      void (*loader_fini)(), void* stack_end) {
  const auto start = reinterpret_cast<Start>(dlsym(RTLD_NEXT, "__libc_start_main"));
  const char* fail_at = std::getenv("FOVEA_FAIL_AT");
  g_fail_all = std::getenv("FOVEA_FAIL_ALL") != nullptr;
  g_fail_at = fail_at == nullptr ? 0 : std::atol(fail_at);
  return start(main, argc, argv, init, fini, loader_fini, stack_end);
}
}
